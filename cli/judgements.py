"""What people said of a diagnosis, as the notifier keeps it and commands show it."""

import json
from collections.abc import Iterable
from datetime import datetime

from bus.events import Value
from bus.streams import Keys


class Judgement(Value):
    """One person's judgement of one investigation: the last, where there were several."""

    at: datetime
    incident: str
    service: str = ""
    """As the rest up to `model`: empty where the record was gone when it was given."""
    severity: str = ""
    outcome: str = ""
    """How the investigation had ended by then; empty while it ran."""
    verdict: str = ""
    model: str = ""
    useful: bool
    person: str = ""
    reason: str = ""
    fingerprint: str = ""


def judged(keys: Keys) -> str:
    """Sorted set: investigations by when something was said of them last (seconds)."""
    return f"{keys.prefix}feedback"


def judgements_of(texts: Iterable[str]) -> tuple[list[Judgement], int]:
    """Those that can be read, the oldest first; and how many cannot."""
    found = [_judgement(text) for text in texts]
    known = [each for each in found if each is not None]
    return sorted(known, key=lambda each: (each.at, each.incident)), len(found) - len(known)


def _judgement(text: str) -> Judgement | None:
    try:
        facts = json.loads(text)
        known = {name: facts[name] for name in Judgement.model_fields if name in facts}
        known["incident"], known["useful"] = facts["investigation_id"], facts["useful"] == "yes"
        read = Judgement.model_validate(known)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return read if read.at.tzinfo else None
