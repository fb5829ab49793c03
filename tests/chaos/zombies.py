"""Zombies: replicas that are frozen past their lease while they hold work, and then go on."""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bus.connection import as_text
from bus.streams import STREAMS
from tests.chaos.evidence import Fault
from tests.chaos.fleet import Fleet
from tests.chaos.load import LEASE_SECONDS
from tests.chaos.replica import Replica
from tests.loop.desk import PREFIX

SERVICES = ("reasoner", "toolrunner", "notifier")
ASLEEP = (1.2 * LEASE_SECONDS, 2.0 * LEASE_SECONDS)
AWAKE = (0.1, 0.6)


@dataclass(frozen=True)
class Sleeper:
    """A replica that is frozen since `at` and is thawed at `until` (both `time.time`)."""

    replica: Replica
    at: float
    until: float
    holding: frozenset[str]


@dataclass
class Freezer:
    """Freezes `total` replicas, one of each service at a time, chosen and timed by `draw`.

    Who holds nothing at that moment is no zombie and is let go at once, to be tried again: each of
    the `faults` is a replica that held work.
    """

    fleet: Fleet
    draw: random.Random
    total: int
    faults: list[Fault] = field(default_factory=list)
    _asleep: dict[str, Sleeper] = field(default_factory=dict)
    _next: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SERVICES, 0.0))

    def step(self) -> bool:
        """Who is due was thawed or frozen; whether all zombies were made and are awake."""
        now = time.time()
        for service in SERVICES:
            sleeper = self._asleep.get(service)
            if sleeper is not None and sleeper.until <= now:
                self._thaw(sleeper)
            elif sleeper is None and self._next[service] <= now and self._left > 0:
                self._freeze(service)
        return self._left <= 0 and not self._asleep

    @property
    def _left(self) -> int:
        return self.total - len(self.faults) - len(self._asleep)

    def _freeze(self, service: str) -> None:
        ready = [one for one in self.fleet.of(service) if not one.frozen]
        replica = self.draw.choice(ready)
        replica.freeze()
        at = time.time()
        holding = held_by(self.fleet, replica)
        if not holding:
            replica.thaw()
            return
        until = at + self.draw.uniform(*ASLEEP)
        self._asleep[service] = Sleeper(replica, at, until, holding)

    def _thaw(self, sleeper: Sleeper) -> None:
        sleeper.replica.thaw()
        now = time.time()
        service, name = sleeper.replica.service, sleeper.replica.name
        fault = Fault(
            sleeper.at, now, service, f"{name} frozen", replica=name, holding=sleeper.holding
        )
        self.faults.append(fault)
        del self._asleep[service]
        self._next[service] = now + self.draw.uniform(*AWAKE)


def held_by(fleet: Fleet, replica: Replica) -> frozenset[str]:
    """What is pending for that replica: incidents, and `incident call` of tool calls."""
    redis = fleet.desk.redis
    found: set[str] = set()
    for stream in STREAMS:
        if replica.service not in [reader.group for reader in stream.readers]:
            continue
        key = PREFIX + stream.name
        pending: Any = redis.xpending_range(
            key, replica.service, min="-", max="+", count=100, consumername=replica.name
        )
        for row in pending:
            entry_id = as_text(row["message_id"])
            entries: Any = redis.xrange(key, min=entry_id, max=entry_id)
            found.update(_work_of(entry_id, fields) for _, fields in entries)
    return frozenset(found)


def _work_of(entry_id: str, fields: Mapping[bytes, bytes]) -> str:
    values = json.loads(fields[b"data"])
    incident = values.get("investigation_id") or values.get("incident_id") or f"inc-{entry_id}"
    return f"{incident} {values.get('tool_call_id', '')}".strip()
