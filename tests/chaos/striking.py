"""One crash point after the other, on one fleet, each with an incident of its own."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from cli.stack import StackFailed
from tests.chaos.collecting import is_quiet
from tests.chaos.evidence import Fault
from tests.chaos.fleet import Fleet
from tests.chaos.load import alarm_body
from tests.chaos.points import Case, Point, points_of
from tests.chaos.proxy.passage import Passage
from tests.chaos.recorder import Recorder
from tests.chaos.trap import Trap
from tests.loop.desk import PREFIX

CALM_SECONDS = 0.5
ENDS_WITHIN_SECONDS = 25.0


@dataclass
class Struck:
    """What became of one case."""

    case: Case
    incident: str
    hit: bool
    faults: list[Fault]
    problem: str = ""
    seconds: float = 0.0


@dataclass
class Striker:
    """Strikes the processes of a fleet at named points, and waits each time until all is over."""

    fleet: Fleet
    recorder: Recorder
    struck: list[Struck] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    """Cases that were handed over through the queue."""
    _deleted_before: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def points(self, *, runs: int) -> list[Point]:
        """Every point of an incident, by dry runs: some published, some fired as an alarm."""
        published = points_of([self._dry_run(by_alarm=False) for _ in range(runs)])
        kinds = {point.kind for point in published}
        fired = points_of([self._dry_run(by_alarm=True) for _ in range(runs)], by_alarm=True)
        return sorted([*published, *(point for point in fired if point.kind not in kinds)])

    def strike(self, case: Case) -> Struck:
        """The process at that point was struck, and its incident had the time to end."""
        trap = Trap(case, self.fleet)
        began = time.monotonic()
        self.fleet.proxy.hook = trap
        done = Struck(case, "", False, [])
        self.struck.append(done)
        try:
            done.incident = self._open(by_alarm=case.point.by_alarm)
            wait = self.fleet.stack.wait
            over = partial(self._is_over, done.incident, by_alarm=case.point.by_alarm)
            wait("the point", lambda: trap.hit.is_set() or (over() and not trap.is_near))
            done.hit = trap.hit.is_set()
            if done.hit:
                self._see_it_end(trap, done)
        except StackFailed as error:
            done.problem = f"{error}"
        finally:
            self._tidy(trap, done)
            done.seconds = time.monotonic() - began
        return done

    def _see_it_end(self, trap: Trap, done: Struck) -> None:
        assert trap.victim is not None
        if trap.case.way == "SIGKILL":
            self.fleet.replace(trap.victim)
            self._wait_over(done.incident, by_alarm=trap.case.point.by_alarm)
            return
        # What waits in the proxy goes on only when everything is over: as late as can be.
        try:
            self._wait_over(done.incident, by_alarm=trap.case.point.by_alarm)
        finally:
            trap.gate.open()
            trap.victim.thaw()
            thawed_at = time.time()
        self.fleet.stack.wait("calm", lambda: self._is_calm(done.incident, trap, thawed_at))

    def _tidy(self, trap: Trap, done: Struck) -> None:
        self.fleet.proxy.hook = None
        trap.gate.open()
        if trap.victim is None:
            return
        trap.victim.thaw()
        what = f"{trap.victim.name} {done.case.way} {done.case}"
        until = time.time() if done.case.way == "SIGSTOP" else trap.struck_at
        name, service = trap.victim.name, trap.victim.service
        done.faults.append(Fault(trap.struck_at, until, service, what, replica=name))

    def _is_calm(self, incident: str, trap: Trap, thawed_at: float) -> bool:
        """The thawed process has said what it had to say."""
        assert trap.victim is not None
        moments = [one.at for one in self.fleet.proxy.log if one.replica == trap.victim.name]
        last = max([thawed_at, *moments[-1:]])
        return time.time() - last > CALM_SECONDS and self._is_over(incident)

    def _open(self, *, by_alarm: bool) -> str:
        case = f"case-{next(self._numbers):04d}"
        if not by_alarm:
            summary = f"HTTP 500 on checkout, {case}"
            return self.fleet.desk.publish(service="cartservice", summary=summary)
        self.sent.append(case)
        self._deleted_before = self._deleted()
        before = set(self.fleet.desk.incidents())
        self.fleet.desk.alarm_body(alarm_body(case))
        found: list[str] = []

        def opened() -> bool:
            found[:] = sorted(set(self.fleet.desk.incidents()) - before)
            return bool(found)

        self.fleet.stack.wait("the alarm's incident", opened, seconds=ENDS_WITHIN_SECONDS)
        return found[0]

    def _dry_run(self, *, by_alarm: bool) -> list[Passage]:
        first = len(self.fleet.proxy.log)
        incident = self._open(by_alarm=by_alarm)
        self._wait_over(incident, by_alarm=by_alarm)
        return [one for one in self.fleet.proxy.log[first:] if one.incident in ("", incident)]

    def _wait_over(self, incident: str, *, by_alarm: bool) -> None:
        self.fleet.stack.wait(
            f"the end of {incident} and of all entries",
            lambda: self._is_over(incident, by_alarm=by_alarm),
            seconds=ENDS_WITHIN_SECONDS,
        )

    def _is_over(self, incident: str, *, by_alarm: bool = False) -> bool:
        """Nothing is left to be done; of an alarm, the queue holds none either."""
        redis = self.fleet.desk.redis
        if redis.hget(f"{PREFIX}{incident}:slack", "state") != b"final":
            return False
        if by_alarm and self._deleted() <= self._deleted_before:
            return False
        return is_quiet(redis) and redis.zcard(f"{PREFIX}deadlines") == 0

    def _deleted(self) -> int:
        """How often alarms were deleted from the queue; one that came twice is deleted twice."""
        log = self.fleet.proxy.log
        return sum(one.operation.startswith("sqs Delete") and one.answered_at > 0 for one in log)
