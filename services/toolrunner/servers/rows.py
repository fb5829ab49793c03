"""How tools write what they read: one self-describing line per fact, each of them quotable."""

from collections.abc import Mapping
from datetime import UTC, datetime

Fields = Mapping[str, object]
"""A JSON object as an API gave it."""


def row(*words: str, message: str = "", **facts: object) -> str:
    """`words name=value …`, facts that are None or empty left out, the free text last."""
    parts = [*words, *(f"{name}={_word(value)}" for name, value in facts.items() if _known(value))]
    if message:
        parts.append(f"message={one_line(message)}")
    return " ".join(parts)


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def pairs(values: Fields) -> str:
    """An object as `a=1,b=2`, sorted by name."""
    return ",".join(f"{name}={value}" for name, value in sorted(values.items()))


def moment(at: datetime, *, milliseconds: bool = False) -> str:
    """A time as ISO 8601 in UTC."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds" if milliseconds else "seconds")
    return text.replace("+00:00", "Z")


def age(stamp: str, now: datetime) -> str:
    """How long ago a time as the API wrote it is, such as 4m, 3h, 9d; empty where it is none."""
    try:
        since = now - datetime.fromisoformat(stamp)
    except (ValueError, TypeError):
        return ""
    seconds = max(0, int(since.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def number(fields: Fields, path: str) -> int:
    """The whole number at a dotted path; the API leaves a count of zero out."""
    value = at(fields, path)
    return value if isinstance(value, int) else 0


def at(fields: Fields, path: str) -> object:
    """What stands at a dotted path, None where there is nothing."""
    value: object = fields
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(fields: Fields, path: str) -> str:
    """What stands at a dotted path as text, empty where there is nothing."""
    value = at(fields, path)
    return "" if value is None else str(value)


def noted(fields: Fields, path: str, *, name: str) -> str:
    """The text under a name that may hold dots, such as an annotation's; empty where none is."""
    value = inside(fields, path).get(name)
    return "" if value is None else str(value)


def inside(fields: Fields, path: str) -> Fields:
    """The object at a dotted path, an empty one where there is none."""
    return fields_of(at(fields, path))


def fields_of(value: object) -> Fields:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def each(fields: Fields, path: str) -> list[Fields]:
    """The objects of the list at a dotted path."""
    value = at(fields, path)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def words(fields: Fields, path: str) -> str:
    """The list of texts at a dotted path, with spaces between."""
    value = at(fields, path)
    return " ".join(str(item) for item in value) if isinstance(value, list) else ""


def _known(value: object) -> bool:
    return value is not None and value != ""


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    plain = one_line(str(value))
    return f'"{plain}"' if " " in plain else plain
