"""When the readers of a fleet read again after Redis was away.

A group has resumed once an entry written after Redis was ready is handled; the entries are of no
effect, for they are about an investigation that has ended. All readers of all replicas have once as
many connections as there are readers wait in Redis for entries.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bus.connection import as_text
from bus.events import (
    Event,
    FeedbackGiven,
    InvestigationId,
    InvestigationProgressed,
    ToolCallFinished,
    ToolCallId,
    ToolCallRequested,
    TurnDue,
)
from bus.streams import STREAM_OF, STREAMS
from tests.chaos.campaign import Campaign
from tests.loop.desk import PREFIX

PATIENCE_SECONDS = 20.0
ALL_READERS = "all readers"
Probe = tuple[str, str, str]
"""A group, a stream, and an entry on it; of the queue the case that must become an incident."""


@dataclass
class Resuming:
    """Measures, after each restart of Redis, how long each service took to resume."""

    at: Campaign
    ended: str
    """An investigation that has ended."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(101))

    def measure(self) -> dict[str, float]:
        """Seconds from now, when Redis is ready, until all readers of a service have resumed."""
        ready_at = time.time()
        waiting = self._probes(next(self._numbers))
        waiting |= {("ingest", "", self.at.send_alarm()), (ALL_READERS, "", "")}
        found: dict[str, float] = {}

        def all_resumed() -> bool:
            for probe in sorted(waiting):
                if self._resumed(*probe):
                    waiting.discard(probe)
                    found[probe[0]] = time.time() - ready_at
            return not waiting or time.time() > ready_at + PATIENCE_SECONDS

        self.at.wait("all readers reading again", all_resumed, PATIENCE_SECONDS + 10)
        assert not waiting, f"not resumed after {PATIENCE_SECONDS:.0f} s: {sorted(waiting)}"
        return found

    def _probes(self, number: int) -> set[Probe]:
        inv, call = InvestigationId(self.ended), ToolCallId(f"{number}-1")
        events: list[Event] = [
            TurnDue(investigation_id=inv, turn=number),
            ToolCallFinished(investigation_id=inv, tool_call_id=call, ok=True),
            FeedbackGiven(investigation_id=inv, fingerprint="", useful=True, person="somebody"),
            InvestigationProgressed(investigation_id=inv, turn=number, activity="probing"),
            ToolCallRequested(
                investigation_id=inv, tool_call_id=call, turn=number, tool="none", arguments={}
            ),
        ]
        probes = set()
        for event in events:
            stream = STREAM_OF[type(event)]
            fields = {"event": event.name(), "data": event.model_dump_json()}
            written: Any = self.at.fleet.desk.redis.xadd(PREFIX + stream.name, dict(fields.items()))
            self.at.probes.add(as_text(written))
            for reader in stream.readers:
                probes.add((reader.group, stream.name, as_text(written)))
        return probes

    def _resumed(self, group: str, stream: str, entry_id: str) -> bool:
        redis: Any = self.at.fleet.desk.redis
        key = PREFIX + stream
        if group == ALL_READERS:
            reading = [row for row in redis.client_list() if row["cmd"] == "xreadgroup"]
            return len([row for row in reading if "b" in row["flags"]]) >= self._readers()
        if group == "ingest":
            opened = self.at.fleet.desk.entries("incidents")
            return any(entry_id in entry["data"] for entry in opened)
        if redis.xpending_range(key, group, min=entry_id, max=entry_id, count=1):
            return False
        read = {as_text(row["name"]): row["last-delivered-id"] for row in redis.xinfo_groups(key)}
        return _order(as_text(read[group])) >= _order(entry_id)

    def _readers(self) -> int:
        """How many readers of new entries the replicas have in all."""
        groups = [reader.group for stream in STREAMS for reader in stream.readers]
        return sum(groups.count(replica.service) for replica in self.at.fleet.replicas)


def _order(entry_id: str) -> tuple[int, int]:
    first, _, second = entry_id.partition("-")
    return int(first), int(second)
