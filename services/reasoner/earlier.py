"""What earlier investigations of the same problem concluded, as the model is told it."""

import json
from collections.abc import Mapping

MOST = 3
_CUT = 400
_FACTS = ("component", "root_cause", "summary", "fix")
HEAD = (
    "What earlier investigations of the same alarm concluded. It may be wrong or out of date, and "
    "is no evidence:"
)


def earlier_text(kept: Mapping[str, str]) -> str:
    """The newest conclusions, a line each, newest first; empty where there is none.

    `kept`: facts as JSON by name, as the notifier keeps them. What cannot be read is left out.
    """
    facts = [entry for entry in map(_entry, kept.values()) if entry]
    concluded = sorted(
        (entry for entry in facts if entry.get("kind") == "concluded"),
        key=lambda entry: (entry.get("at", ""), entry.get("investigation_id", "")),
        reverse=True,
    )
    feedback = [entry for entry in facts if entry.get("kind") == "feedback"]
    return "\n".join(_line(entry, feedback) for entry in concluded[:MOST])


def _entry(text: str) -> dict[str, str]:
    try:
        entry = json.loads(text)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in entry.items()} if _is_object(entry) else {}


def _is_object(entry: object) -> bool:
    return isinstance(entry, dict)


def _line(entry: dict[str, str], feedback: list[dict[str, str]]) -> str:
    rated = ", ".join(word for word in (entry.get("verdict"), entry.get("confidence")) if word)
    outcome = entry.get("outcome", "") + (f" ({rated})" if rated else "")
    parts = [f"{entry.get('at', '')[:16]} {outcome}"]
    parts += [f"{name.replace('_', ' ')}: {entry[name][:_CUT]}" for name in _FACTS if name in entry]
    parts += [
        f"a person found it {'useful' if said.get('useful') == 'yes' else 'not useful'}"
        + (f": {said['reason'][:_CUT]}" if said.get("reason") else "")
        for said in feedback
        if said.get("investigation_id") == entry.get("investigation_id")
    ][:MOST]
    return " ".join("; ".join(parts).split())
