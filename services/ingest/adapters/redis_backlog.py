"""The backlog, the places and the summary in Redis, and the stop signals that free places."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import RedisError

from bus.connection import as_text
from bus.envelope import Entry, flat, text_fields
from bus.events import IncidentId, IncidentOpened
from bus.port import Bus
from bus.seals import Unsealed
from bus.streams import STOPS
from bus.tracing import root_of
from services.ingest.adapters.redis_scripts import RedisScripts, unavailable
from services.ingest.limits import DEFAULTS, FREED_AFTER_DEADLINE_SECONDS, Limits
from services.ingest.ports import Waiting
from services.ingest.summary import Gathered, Kind

log = logging.getLogger(__name__)
READ_AT_ONCE = 500
WAIT_MS = 1000


class RedisBacklog:
    """What `ports.Backlog` says. Every replica has one; each step is safe to take twice."""

    def __init__(self, bus: Bus, limits: Limits = DEFAULTS) -> None:
        self._bus = bus
        self._scripts = RedisScripts(bus, limits)
        self._scripts.can_wait_for_disk = False  # nobody waits for what happens here
        self._read_to = ""

    async def drain(self) -> Waiting:
        """One script opens and folds what is held, in its order."""
        told = await self._scripts.decide("drain", self._scripts.key("ready"), asked={})
        due = IncidentId(told["due"]) if told["due"] else None
        return Waiting(held=told["held"], open_places=told["open"], due=due)

    async def gathered(self, summary: IncidentId) -> Gathered:
        """The kinds with their numbers, as they stand now."""
        try:
            raw: Any = await self._bus.redis.hgetall(self._scripts.key(f"gathered:{summary}"))
        except (RedisError, OSError) as error:
            raise unavailable(error) from error
        found = text_fields(raw)
        kinds = [
            _kind(name.removeprefix("facts:"), found) for name in found if name.startswith("facts:")
        ]
        return Gathered(
            kinds=tuple(kinds),
            kinds_in_all=int(found.get("kinds", 0)),
            alarms=int(found.get("alarms", 0)),
            by_severity={
                name.removeprefix("of:"): int(number)
                for name, number in found.items()
                if name.startswith("of:")
            },
        )

    async def open_summary(
        self, incident: IncidentOpened, gathered: Gathered, *, is_last_try: bool
    ) -> bool:
        """The entry stands once; False when the kinds are no longer those that were read."""
        root = root_of(str(incident.incident_id)).traceparent
        asked: dict[str, object] = {
            "incident_id": incident.incident_id,
            "entry": flat(self._bus.seals.fields(incident, root)),
            "kinds": str(gathered.kinds_in_all),
            "is_last_try": is_last_try,
        }
        key = self._scripts.key("summary")
        told = await self._scripts.decide("open_summary", key, asked=asked)
        return bool(told["outcome"] != "held")

    async def free_stopped(self) -> int:
        """Places are freed by every replica: a second one finds nothing left to free."""
        key = self._bus.keys.stream(STOPS)
        try:
            since = self._read_to or await self._beginning()
            found: Any = await self._bus.redis.xread(
                {key: since}, count=READ_AT_ONCE, block=WAIT_MS
            )
            self._read_to = since
            rows = found[0][1] if isinstance(found, list) and found else []
            rows = rows or (next(iter(found.values()), [[]])[0] if isinstance(found, dict) else [])
            stopped = [name for found, raw in rows if (name := self._stopped(as_text(found), raw))]
            if stopped:
                await self._bus.redis.zrem(f"{self._bus.keys.prefix}places", *stopped)
            if rows:
                self._read_to = as_text(rows[-1][0])
        except (RedisError, OSError) as error:
            raise unavailable(error) from error
        return len(stopped)

    def _stopped(self, entry_id: str, raw: Any) -> str:
        """The investigation whose final card stands; empty for anything else on that stream."""
        fields = text_fields(raw)
        if fields.get("event") != "InvestigationStopped":
            return ""
        try:
            self._bus.seals.check(Entry(stream=STOPS, group="", entry_id=entry_id, fields=fields))
            values = json.loads(fields.get("data", ""))
        except (Unsealed, ValueError) as error:
            log.warning("an entry on stops frees no place: %s", error)
            return ""
        return str(values.get("investigation_id", "")) if isinstance(values, dict) else ""

    async def _beginning(self) -> str:
        """Before the oldest place that may still be taken."""
        seconds, _ = await self._bus.redis.time()
        back = self._bus.settings.deadline_seconds + FREED_AFTER_DEADLINE_SECONDS
        return f"{max(0, int(1000 * (int(seconds) - back)))}-0"


def _kind(name: str, found: dict[str, str]) -> Kind:
    facts: dict[str, Any] = json.loads(found[f"facts:{name}"])
    return Kind(
        alarm=facts["alarm"],
        service=facts["service"],
        severity=facts["severity"],
        trigger=facts["kind"],
        said=facts["said"],
        reason=facts["reason"],
        at=datetime.fromtimestamp(facts["at"] / 1000, UTC),
        number=int(found.get(f"number:{name}", 1)),
        recovered_at=found.get(f"recovered:{name}", ""),
    )
