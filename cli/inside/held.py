"""What a summary incident holds: every kind of problem that was not investigated by itself."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, ValidationError

from bus.connection import as_text
from bus.envelope import text_fields
from bus.events import ID_PATTERN, Value
from cli.inside.store import Store, literal
from cli.inside.terminal import Page, cut

FACTS = "facts:"
_GRADES = ("critical", "error", "warning", "info")


class HeldKind(Value):
    """One problem: what its first alarm said, and how many came."""

    alarm: str
    service: str
    severity: str
    said: str = ""
    reason: str = ""
    """Why it was not investigated by itself."""
    at: datetime
    number: int = 1
    recovered_at: str = ""


class Held(Value):
    """All that a summary holds, the worst first, what is over last; nothing for any other one."""

    alarms: int = 0
    kinds_in_all: int = 0
    """Beyond the kinds that are listed only numbers are kept."""
    kinds: list[HeldKind] = Field(default_factory=list)


async def held_by(seen: Store, incident: str) -> Held:
    """Those of an incident, as they stand now."""
    raw: Any = await seen.redis.hgetall(_key(seen, incident))
    found = text_fields(raw)
    names = (name.removeprefix(FACTS) for name in found if name.startswith(FACTS))
    kinds = [kind for name in names if (kind := _kind(name, found))]
    return Held(
        alarms=int(found.get("alarms", 0)),
        kinds_in_all=int(found.get("kinds", 0)),
        kinds=sorted(kinds, key=_rank),
    )


async def gathering(seen: Store, beginning: str) -> list[str]:
    """Ids of the summaries that begin so, also of one that is not open yet and has no record."""
    if not re.match(ID_PATTERN, beginning):
        return []
    pattern = f"{literal(_key(seen, beginning))}*"
    names = [as_text(name) async for name in seen.redis.scan_iter(match=pattern, count=1000)]
    return sorted(name.removeprefix(_key(seen, "")) for name in names)


def kinds_held(page: Page, held: Held) -> None:
    """Every kind with its number, the worst first; nothing where it is no summary."""
    if not held.kinds_in_all:
        return
    many = f"{_counted(held.alarms, 'alarm')} of {_counted(held.kinds_in_all, 'kind')}"
    page.heading(f"HOLDS {many}")
    for kind in held.kinds:
        over = f"; recovered at {kind.recovered_at}" if kind.recovered_at else ""
        about = f"{kind.severity} {kind.service}: {kind.alarm}"
        why = cut(f"(first at {kind.at:%H:%M:%S} UTC; {kind.reason}{over})", 3 * page.width)
        page.words(f"{kind.number:>6}  {cut(about, 2 * page.width)} {why}", hang=8)
    left = held.kinds_in_all - len(held.kinds)
    if left > 0:
        page.words(f"and {_counted(left, 'more kind')}, of which only the number is kept")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _key(seen: Store, incident: str) -> str:
    return f"{seen.keys.prefix}fingerprint:gathered:{incident}"


def _kind(name: str, found: dict[str, str]) -> HeldKind | None:
    """The kind; nothing where another release wrote what cannot be read here."""
    try:
        facts: dict[str, Any] = json.loads(found[FACTS + name])
        told = {
            "at": datetime.fromtimestamp(facts.pop("at") / 1000, UTC),
            "number": int(found.get(f"number:{name}", 1)),
            "recovered_at": found.get(f"recovered:{name}", ""),
        }
        return HeldKind.model_validate({**facts, **told}, extra="ignore")
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _rank(kind: HeldKind) -> tuple[bool, int, int, str, str]:
    known = kind.severity in _GRADES
    grade = _GRADES.index(kind.severity) if known else len(_GRADES)
    return (bool(kind.recovered_at), grade, -kind.number, kind.alarm, kind.service)
