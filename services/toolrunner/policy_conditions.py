"""Whether a condition narrows a rule: whether it can be false for some resource or arguments."""

from collections.abc import Mapping

from pydantic import JsonValue

_COMPARES = ("==", "!=", "<", "<=", ">", ">=", "in", "contains", "containsAll", "containsAny")
_WILDCARD: list[JsonValue] = ["Wildcard"]


def narrows(expression: JsonValue) -> bool:
    """Whether an expression (Cedar's JSON) depends on an attribute of resource or context.

    One without them is a constant, and so is a choice with a constant, a thing compared with
    itself, or `like "*"`. It need not find every constant; validation and review come beside it.
    """
    if not isinstance(expression, dict) or len(expression) != 1:
        return False
    ((operator, held),) = expression.items()
    inner = held if isinstance(held, dict) else {}
    left, right = inner.get("left"), inner.get("right")
    if operator == "&&":
        return narrows(left) or narrows(right)
    if operator == "||":
        return narrows(left) and narrows(right)
    if operator == "!":
        return narrows(inner.get("arg"))
    if operator == "if-then-else":
        choices = narrows(inner.get("then")), narrows(inner.get("else"))
        return all(choices) or (narrows(inner.get("if")) and any(choices))
    return _asks(operator, inner)


def _asks(operator: str, inner: Mapping[str, JsonValue]) -> bool:
    left, right = inner.get("left"), inner.get("right")
    if operator in _COMPARES:
        return left != right and (_is_known_late(left) or _is_known_late(right))
    if operator == "like":
        return inner.get("pattern") != _WILDCARD and _reads(left)
    if operator == "has":
        return _reads(left)
    return operator in (".", "isEmpty") and _reads({operator: dict(inner)})


def _is_known_late(expression: JsonValue) -> bool:
    return expression == {"Var": "resource"} or _reads(expression)


def _reads(expression: JsonValue) -> bool:
    """Whether an attribute of resource or context is read somewhere in it."""
    if isinstance(expression, list):
        return any(map(_reads, expression))
    if not isinstance(expression, dict):
        return False
    access = expression.get(".")
    if isinstance(access, dict) and access.get("left") in (
        {"Var": "resource"},
        {"Var": "context"},
    ):
        return True
    return any(map(_reads, expression.values()))
