"""What an IAM policy allows, for the few elements that ours have; an unknown one is an error."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

_KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


def listed(value: Any) -> list[str]:
    """One or many, as many."""
    return [value] if isinstance(value, str) else list(value)


def actions(document: Any) -> set[str]:
    """Every action that some statement names."""
    return {action for each in document["Statement"] for action in listed(each["Action"])}


def allows(
    document: Any,
    action: str,
    *,
    on: str = "",
    by: tuple[str, str] | None = None,
    facts: Mapping[str, str] | None = None,
) -> bool:
    """Whether a statement allows the action on a resource, by a principal, with those facts."""
    return any(
        _is_about(each, action, on=on, by=by) and _conditions_hold(each, facts or {})
        for each in document["Statement"]
    )


def _is_about(statement: Any, action: str, *, on: str, by: tuple[str, str] | None) -> bool:
    assert statement.keys() <= _KNOWN
    assert statement["Effect"] == "Allow"
    if not _any_like(action, statement["Action"]):
        return False
    if "Resource" in statement and not _any_like(on, statement["Resource"]):
        return False
    return by is None or by[1] in listed(statement["Principal"].get(by[0], []))


def _conditions_hold(statement: Any, facts: Mapping[str, str]) -> bool:
    conditions = statement.get("Condition", {})
    return all(
        _met(operator, wanted, fact=facts.get(key))
        for operator, each in conditions.items()
        for key, wanted in each.items()
    )


def _met(operator: str, wanted: Any, *, fact: str | None) -> bool:
    if fact is None:
        return False
    if operator == "StringEquals":
        return fact in listed(wanted)
    assert operator in ("ArnEquals", "ArnLike"), operator  # the same to IAM
    return _any_like(fact, wanted)


def _any_like(text: str, patterns: Any) -> bool:
    return any(fnmatchcase(text, each) for each in listed(patterns))
