"""Fields of JSON that strangers wrote: texts, parts, lists and moments, or nothing. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from services.ingest.naming import SERVICE_DIMENSIONS

MAX_NAME_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 2000
MAX_LABELS = 40
_KEPT_FIRST = frozenset(
    [*SERVICE_DIMENSIONS, "alertname", "severity", "priority", "cluster", "region", "namespace"]
)
LEFT_OUT = "labels_left_out"
"""The label that stands for those beyond the bound: how many, and a hash that tells them apart."""

Document = Mapping[str, object]


def part(value: object) -> Document:
    """The object that stands there; an empty one where something else does."""
    return value if isinstance(value, dict) else {}


def parts(value: object) -> list[Document]:
    """The objects of the list that stands there; none where something else does."""
    return [part(inner) for inner in value] if isinstance(value, list) else []


def text(value: object) -> str:
    """Texts and figures as text; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def cut(value: object) -> str:
    """The text, or as much of it as an event holds."""
    whole = text(value)
    return whole if len(whole) <= MAX_TEXT_CHARACTERS else whole[: MAX_TEXT_CHARACTERS - 1] + "…"


def first(values: Iterable[object]) -> str:
    """The first of them that says something."""
    return next((cut(value) for value in values if text(value)), "")


def name_of(value: object) -> str:
    """The name, or a readable start of it that is still unlike every other one."""
    whole = text(value).strip() or "unnamed"
    if len(whole) <= MAX_NAME_CHARACTERS:
        return whole
    return f"{whole[:180]}…{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def labels_of(given: Mapping[str, str], **described: object) -> dict[str, str]:
    """Both as labels, as far as they say anything; at most forty, those that name and grade first.

    What is left out makes two series two all the same, by one label that stands for it.
    """
    named = {name: cut(value) for name, value in described.items() if text(value)}
    room = MAX_LABELS - len(named)
    if len(given) <= room:
        return {**given} | named
    ordered = sorted(given.items(), key=lambda pair: pair[0].lower() not in _KEPT_FIRST)
    kept, left = dict(ordered[: room - 1]), sorted(ordered[room - 1 :])
    digest = hashlib.sha256(repr(left).encode()).hexdigest()[:12]
    return kept | {LEFT_OUT: f"{len(left)} ({digest})"} | named


def moment(value: object) -> datetime | None:
    """The moment, aware; nothing where none can be read, and for the year 1, which means never."""
    try:
        found = datetime.fromisoformat(text(value))
        aware = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return aware if aware.year > 1 else None


def moment_of_milliseconds(value: object) -> datetime | None:
    """The moment of so many milliseconds since 1970; nothing where that is no moment."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
