"""Zombies: replicas that are frozen past their lease while they hold work, and then go on."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from bus.streams import STREAMS
from tests.chaos.evidence import Fault
from tests.chaos.fleet import Fleet
from tests.chaos.load import LEASE_SECONDS
from tests.chaos.replica import Replica
from tests.loop.desk import PREFIX

SERVICES = ("reasoner", "toolrunner", "notifier")
ASLEEP = (1.2 * LEASE_SECONDS, 2.0 * LEASE_SECONDS)
AWAKE = (0.1, 0.6)
TRIES = 40
"""How often a replica that holds nothing is let go at once, before one is taken all the same."""


@dataclass(frozen=True)
class Sleeper:
    """A replica that is frozen since `at` and is thawed at `until` (both `time.time`)."""

    replica: Replica
    at: float
    until: float


@dataclass
class Freezer:
    """Freezes `total` replicas, one of each service at a time, chosen and timed by `draw`.

    Who holds nothing at that moment is no zombie and is let go at once, to be tried again.
    """

    fleet: Fleet
    draw: random.Random
    total: int
    faults: list[Fault] = field(default_factory=list)
    holding: int = 0
    """How many of the frozen held an entry at that moment."""
    _asleep: dict[str, Sleeper] = field(default_factory=dict)
    _tries: Counter[str] = field(default_factory=Counter)
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
        held = holds(self.fleet, replica) > 0
        self._tries[service] += 1
        if not held and self._tries[service] < TRIES:
            replica.thaw()
            return
        self.holding += held
        self._tries[service] = 0
        self._asleep[service] = Sleeper(replica, at, at + self.draw.uniform(*ASLEEP))

    def _thaw(self, sleeper: Sleeper) -> None:
        sleeper.replica.thaw()
        now = time.time()
        service = sleeper.replica.service
        what = f"{sleeper.replica.name} frozen"
        self.faults.append(Fault(sleeper.at, now, service, what))
        del self._asleep[service]
        self._next[service] = now + self.draw.uniform(*AWAKE)


def holds(fleet: Fleet, replica: Replica) -> int:
    """How many entries are pending for that replica."""
    found: Counter[str] = Counter()
    for stream in STREAMS:
        for reader in stream.readers:
            if reader.group == replica.service:
                rows = fleet.desk.redis.xpending_range(
                    PREFIX + stream.name,
                    reader.group,
                    min="-",
                    max="+",
                    count=100,
                    consumername=replica.name,
                )
                found[stream.name] += len(list(rows))
    return found.total()
