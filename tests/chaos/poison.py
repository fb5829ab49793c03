"""Entries that are wrong in every way, written onto the services' own streams.

Two need more than an entry: a record that no handler can read, and an incident whose due turn ends
whichever process takes it.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bus.connection import as_text
from bus.record import fields_of
from bus.streams import KEPT_SECONDS
from tests.bus.incidents import a_record
from tests.chaos.fleet import Fleet
from tests.loop.desk import PREFIX, Desk

KILLS = "kills its process"
"""No process survives asking the model about that (`tests.chaos.frail_reasoner`)."""
DEEP = "[" * 100_000
WRONG: tuple[tuple[str, dict[str, str | bytes]], ...] = (
    ("incidents", {"data": b"\xff\xfe{"}),
    ("incidents", {"data": "not json"}),
    ("incidents", {"data": '{"service":"a","summary":' + DEEP + "}"}),
    ("incidents", {"data": "{}", "event": "NoSuchThing"}),
    ("incidents", {"data": '{"service":"a","summary":"b"}', "version": "7.0"}),
    ("turns", {"data": '{"investigation_id":"\\ud800","turn":"one"}'}),
    ("turns", {"data": '{"investigation_id":"nobody","turn":1}'}),
    ("tool-calls", {"data": '{"investigation_id":"\\ud800","tool_call_id":"\\ud800"}'}),
    ("tool-results", {"data": DEEP}),
    ("updates", {"data": b"\x00\xff", "event": "AlarmJoined"}),
    ("diagnoses", {"data": '{"investigation_id":"nobody","outcome":"diagnosed"}'}),
    ("notices", {"data": "7" * 5000}),
    ("progress", {"data": "{}", "version": "seven"}),
)


def write_wrong(desk: Desk) -> dict[str, float]:
    """One of each was written; when, by `stream entry-id`."""
    return dict(_write(desk, stream, fields=fields) for stream, fields in WRONG)


def write_broken(desk: Desk, name: str) -> dict[str, float]:
    """A record that cannot be read, and an entry about it on every stream that work goes over."""
    key = f"{PREFIX}{name}:record"
    fields = fields_of(a_record()) | {"investigation_id": name, "version": "1", "spend": "{"}
    desk.redis.hset(key, mapping=dict(fields.items()))
    desk.redis.expire(key, KEPT_SECONDS)
    about = f'"investigation_id":"{name}"'
    call = f'{about},"tool_call_id":"1-1"'
    entries = {
        "incidents": f'{{"service":"a","summary":"b","incident_id":"{name}"}}',
        "turns": f'{{{about},"turn":1}}',
        "tool-calls": f'{{{call},"turn":1,"tool":"kubernetes__list_pods","arguments":{{}}}}',
        "tool-results": f'{{{call},"ok":true}}',
        "diagnoses": f'{{{about},"outcome":"diagnosed"}}',
    }
    return dict(_write(desk, stream, fields={"data": text}) for stream, text in entries.items())


def _write(desk: Desk, stream: str, *, fields: dict[str, str | bytes]) -> tuple[str, float]:
    entry_id: Any = desk.redis.xadd(PREFIX + stream, dict(fields.items()))
    return f"{stream} {as_text(entry_id)}", time.time()


@dataclass
class Killer:
    """An incident whose first due turn ends every process that handles it."""

    fleet: Fleet
    incident: str
    began: float = field(default_factory=time.time)
    taken_by: list[str] = field(default_factory=list)
    entry_id: str = ""

    def strike(self) -> bool:
        """Whoever handled the entry was killed and replaced; whether nobody will any more."""
        for replica in self.fleet.of("reasoner"):
            if is_stopped(replica.pid):
                self.taken_by.append(replica.name)
                self.fleet.replace(replica)
        self.entry_id = self.entry_id or self._find()
        return bool(self.entry_id) and self._is_settled()

    def _find(self) -> str:
        rows: Any = self.fleet.desk.redis.xrevrange(f"{PREFIX}turns", count=100)
        found = [row for row, fields in rows if self.incident.encode() in fields[b"data"]]
        return as_text(found[0]) if found else ""

    def _is_settled(self) -> bool:
        rows: Any = self.fleet.desk.redis.xpending_range(
            f"{PREFIX}turns", "reasoner", min=self.entry_id, max=self.entry_id, count=1
        )
        groups: Any = self.fleet.desk.redis.xinfo_groups(f"{PREFIX}turns")
        last = as_text(groups[0]["last-delivered-id"])
        return not rows and _order(last) >= _order(self.entry_id)


def is_stopped(pid: int) -> bool:
    """Whether that process stopped (SIGSTOP)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "T"


def errors_of(fleet: Fleet) -> Counter[str]:
    """How often each entry's handler raised, by `service stream entry-id`, as logged."""
    found: Counter[str] = Counter()
    for replica in fleet.stack.replicas:
        for line in replica.log.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.partition('"entry ')[2].split()
            if len(words) > 3 and words[1] == "on" and words[3].startswith("failed"):
                found[f"{replica.service} {words[2]} {words[0]}"] += 1
    return found


def _order(entry_id: str) -> tuple[int, int]:
    first, _, second = entry_id.partition("-")
    return int(first), int(second)
