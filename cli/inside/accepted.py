"""An incident that was accepted, and that nobody has taken up yet: its entry stands, no record."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bus.connection import as_text
from bus.envelope import Entry, read_event, text_fields
from bus.errors import Rejected
from bus.events import IncidentOpened
from bus.streams import INCIDENTS
from cli.inside.held import Held, held_by, kinds_held
from cli.inside.pages import decided
from cli.inside.store import MOST_PAGES, PAGE, Store
from cli.inside.terminal import Page
from cli.inside.triggers import Triggers, triggers_of

WAITS = "accepted, and neither the reasoner nor the notifier has taken it up yet"


@dataclass(frozen=True)
class Accepted:
    """What its entry says, and what was decided about its triggers."""

    incident: IncidentOpened
    at: datetime
    triggers: Triggers
    held: Held
    """Where it is a summary: what it holds."""

    @property
    def name(self) -> str:
        """Its id."""
        return str(self.incident.incident_id)


async def accepted(seen: Store, beginning: str) -> list[Accepted]:
    """Those whose id begins so, the oldest first, as far as their entries are kept."""
    found: dict[str, Accepted] = {}
    async for entry in _entries(seen):
        incident = _read(entry)
        name = str(incident.incident_id) if incident else ""
        if incident is None or not name.startswith(beginning) or name in found:
            continue
        if not await seen.redis.exists(seen.keys.of(name, "record")):
            decided_so_far, held = await triggers_of(seen, name), await held_by(seen, name)
            found[name] = Accepted(incident, entry.written_at, decided_so_far, held)
    return list(found.values())


def accepted_page(page: Page, one: Accepted) -> None:
    """What there is to say before anybody looks at it."""
    page.words(f"{one.name}  {one.incident.service}", indent=0, style="bold")
    page.verbatim(one.incident.summary, indent=0, most=5)
    page.words(f"{WAITS}; since {one.at:%Y-%m-%d %H:%M:%S} UTC", indent=0)
    decided(page, one.triggers)
    kinds_held(page, one.held)


def accepted_json(one: Accepted) -> dict[str, object]:
    """The same for scripts."""
    return {
        "incident": one.name,
        "state": "accepted",
        "accepted_at": one.at.isoformat(),
        "service": one.incident.service,
        "summary": one.incident.summary,
        "severity": one.incident.severity,
        "triggers": one.triggers.model_dump(mode="json"),
        "held": one.held.model_dump(mode="json"),
    }


async def _entries(seen: Store) -> AsyncIterator[Entry]:
    start = "-"
    for _ in range(MOST_PAGES):
        rows: Any = await seen.redis.xrange(seen.keys.stream(INCIDENTS), start, "+", count=PAGE)
        for entry_id, raw in rows:
            yield Entry(
                stream=INCIDENTS, group="", entry_id=as_text(entry_id), fields=text_fields(raw)
            )
        if len(rows) < PAGE:
            return
        start = f"({as_text(rows[-1][0])}"


def _read(entry: Entry) -> IncidentOpened | None:
    try:
        event = read_event(entry)
    except (Rejected, ValueError):
        return None
    return event if isinstance(event, IncidentOpened) else None
