"""What the model is told of a denial: one sentence, and what it may do instead."""

import unicodedata
from collections.abc import Sequence

from bus.cleaning import clean_counted
from services.toolrunner.policy import Scope
from services.toolrunner.policy_resource import WORDS, Resource
from services.toolrunner.policy_rules import Rule
from services.toolrunner.policy_schema import Action

MAX_NAME = 80
MOST_NAMED = 10
_UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")


def forbidden(rules: Sequence[Rule]) -> str:
    """The reason of a denial by these `forbid` rules: their own sentences."""
    return " ".join(dict.fromkeys(rule.reason for rule in rules))


def not_permitted(action: Action, *, rules: Sequence[Rule]) -> str:
    """The reason of a denial because no rule permits it, without a value of an argument."""
    near = any(rule.effect == "permit" and rule.is_about(action) for rule in rules)
    return f"no rule permits {action.tool} {'on this resource' if near else 'at all'}"


def not_permitted_on(
    action: Action, resource: Resource, *, rules: Sequence[Rule], scope: Scope
) -> str:
    """The same for the model: Cedar gives no reason for it, so what is permitted is said here."""
    near = [rule for rule in rules if rule.effect == "permit" and rule.is_about(action)]
    if not near:
        return not_permitted(action, rules=rules)
    what = _readable(resource.words)[:MAX_NAME]
    if resource.kind == "Server" and len(action.resources) > 1:
        what = f"{what} as a whole, say which {WORDS[action.resources[0]]}"
    said = f"no rule permits {action.tool} on {what}"
    return f"{said}; allowed: {_alternatives(action, near, scope=scope)}"


def _readable(text: str) -> str:
    """The text without secrets, and with what does not show as its number: it may be the cause."""
    cleaned = clean_counted(text)
    if cleaned.redactions:
        return cleaned.text
    letters = text[:MAX_NAME]
    if letters.isascii() and letters.isprintable():
        return letters
    return "".join(
        letter.encode("unicode_escape").decode() if _is_unseen(letter) else letter
        for letter in letters
    )


def _is_unseen(letter: str) -> bool:
    if clean_counted(letter).stripped:
        return True
    return letter != " " and unicodedata.category(letter) in _UNSEEN


def _alternatives(action: Action, near: Sequence[Rule], *, scope: Scope) -> str:
    reasons = " ".join(dict.fromkeys(rule.reason for rule in near))
    configured = {
        "Namespace": scope.namespaces[:MOST_NAMED],
        "Repository": (scope.repository,) if scope.repository else (),
        "LogGroup": scope.log_groups[:MOST_NAMED],
    }
    kind = action.resources[0]
    if kind not in configured:
        return reasons
    names = ", ".join(f"`{name}`" for name in configured[kind])
    return f"{reasons} (configured: {names or f'no {WORDS[kind]}'})"
