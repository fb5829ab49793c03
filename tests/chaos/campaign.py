"""A campaign: a fleet under load and under faults, watched from outside and judged at the end."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bus.connection import as_text
from tests.chaos.checker import check, report
from tests.chaos.collecting import collect, is_quiet
from tests.chaos.evidence import Evidence, Fault
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import alarm_body
from tests.chaos.recorder import Recorder, recording
from tests.chaos.replica import Replica
from tests.chaos.rules import Rules
from tests.lane import Figures
from tests.loop.desk import PREFIX


@dataclass
class Campaign:
    """What is done to a fleet, and what was published into it. Use `campaign`."""

    fleet: Fleet
    recorder: Recorder
    faults: list[Fault] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    """Cases that were handed over through the queue."""
    probes: set[str] = field(default_factory=set)
    """Ids of entries that the test wrote to see who reads them: none of them is the services'."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def publish(self, count: int) -> list[str]:
        """Incidents were written onto the stream; their ids."""
        new = [
            self.fleet.desk.publish(
                service="cartservice", summary=f"HTTP 500 on checkout, case-{number:04d}"
            )
            for number in itertools.islice(self._numbers, count)
        ]
        self.published += new
        return new

    @property
    def ended(self) -> int:
        """How many stop signals there are."""
        return self.recorder.count("stops", "InvestigationStopped")

    @property
    def open(self) -> int:
        """How many incidents have no stop signal yet."""
        return len(self.published) + len(self.sent) - self.ended

    def strike(self, service: str, what: str, *, since: float = 0.0) -> None:
        """Noted: that was done to the service, at this moment or from `since` until now."""
        now = time.time()
        self.faults.append(Fault(since or now, now, service, what))

    def strike_one(self, replica: Replica, what: str, *, since: float = 0.0) -> None:
        """Noted: that was done to that replica and to no other of its service."""
        now = time.time()
        what = f"{replica.name} {what}"
        self.faults.append(Fault(since or now, now, replica.service, what, replica=replica.name))

    def send_alarm(self) -> str:
        """An alarm lies in the queue; its case."""
        case = f"case-{next(self._numbers):04d}"
        self.fleet.desk.alarm_body(alarm_body(case))
        self.sent.append(case)
        return case

    def kill(self, replica: Replica) -> float:
        """The replica was killed, and nothing that it had said is on its way; when it was."""
        self.strike_one(replica, "killed")
        replica.kill()
        self.fleet.proxy.shut(replica.name)
        return time.time()

    def wait(self, what: str, condition: Callable[[], object], seconds: float = 30) -> None:
        """The condition holds afterwards; fails when a process ends or time runs out."""
        self.fleet.desk.wait(what, condition, seconds)

    def pass_time(self, seconds: float) -> None:
        """That much time went by, and no process has ended in it."""
        until = time.monotonic() + seconds
        self.wait("the time", lambda: time.monotonic() >= until, seconds + 5)

    def wait_for_ends(self, seconds: float) -> None:
        """Everything published has its stop signal and nothing is owed, or the time is over.

        What is missing then is told by `judge`, with its timeline.
        """
        give_up_at = time.monotonic() + seconds
        self._wait_until(lambda: self.open <= 0, give_up_at)
        self._wait_until(
            lambda: is_quiet(self.fleet.desk.redis), max(give_up_at, time.monotonic() + 15)
        )

    def _wait_until(self, condition: Callable[[], object], give_up_at: float) -> None:
        seconds = max(0.0, give_up_at - time.monotonic()) + 30
        self.wait(
            "the time being over", lambda: condition() or time.monotonic() > give_up_at, seconds
        )

    def owners(self, stream: str, group: str) -> dict[str, str]:
        """The replica that each pending entry of the group belongs to."""
        rows: Any = self.fleet.desk.redis.xpending_range(
            PREFIX + stream, group, min="-", max="+", count=10_000
        )
        return {as_text(row["message_id"]): as_text(row["consumer"]) for row in rows}

    def held(self, replica: Replica, stream: str) -> set[str]:
        """The entries of that stream that are that replica's now."""
        owners = self.owners(stream, replica.service)
        return {entry_id for entry_id, owner in owners.items() if owner == replica.name}

    def judge(self, rules: Rules, figures: Figures, *, promise: str, what: str) -> Evidence:
        """The evidence, which breaks no promise; the figures say so, or how often it does."""
        evidence = collect(
            self.fleet,
            self.recorder,
            faults=self.faults,
            sent=self.sent,
            published=self.published,
        )
        written = [one for one in evidence.entries if one.entry_id not in self.probes]
        evidence = replace(evidence, entries=tuple(written))
        violations = check(evidence, rules)
        figures.add(promise, f"{what}: incidents", len(self.published) + len(self.sent))
        kinds = dict(Counter(one.kind for one in violations))
        figures.add(promise, f"{what}: lost, doubled, set aside, late", kinds or 0, 0)
        if violations:
            self.fleet.keep_logs = True
            raise AssertionError(f"logs: {self.fleet.folder}\n{report(evidence, violations)}")
        return evidence


@contextmanager
def campaign(plan: FleetPlan) -> Iterator[Campaign]:
    """A campaign over a fleet of its own, which runs inside the block."""
    with running_fleet(plan) as fleet, recording(fleet.redis.url) as recorder:
        yield Campaign(fleet, recorder)
