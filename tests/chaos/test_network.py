"""The network to Redis is slow, reset, half-open or a black hole: work goes on once it heals."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from cli.stack import StackFailed
from tests.chaos.checker import check, report
from tests.chaos.collecting import collect, pending_of, settled
from tests.chaos.evidence import Fault
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.proxy.channel import Weather
from tests.chaos.recorder import Recorder, recording
from tests.chaos.rules import Rules
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
LEASE_SECONDS = 4.0
WANTED_SECONDS = 10.0
INCIDENTS = 6
"""Published before each trouble, again while it lasts, and again when it is over."""


@dataclass(frozen=True)
class Trouble:
    """What is done to the network, and for how long."""

    name: str
    seconds: float
    weather: Weather = "fair"
    latency_seconds: float = 0.0


RESET = Trouble("all connections reset", 0.0)
HALF_OPEN = Trouble("half-open", 6.0, "half-open")
BLACK_HOLE = Trouble("black hole", 6.0, "black hole")
SLOW = Trouble("500 ms latency", 30.0, "slow", 0.5)
SHORT = (RESET, Trouble("black hole", 3.0, "black hole"))
ALL = (
    RESET,
    HALF_OPEN,
    BLACK_HOLE,
    SLOW,
    RESET,
    Trouble("half-open", 12.0, "half-open"),
    Trouble("black hole", 20.0, "black hole"),
)


@dataclass
class Network:
    """The fleet's way to Redis, and what is published around its troubles."""

    fleet: Fleet
    recorder: Recorder
    incidents: list[str] = field(default_factory=list)

    @property
    def published(self) -> int:
        return len(self.incidents)

    def publish(self) -> None:
        for _ in range(INCIDENTS):
            summary = f"HTTP 500 on checkout, case-{self.published + 1:04d}"
            self.incidents.append(self.fleet.desk.publish(service="cartservice", summary=summary))

    @property
    def ended(self) -> int:
        return self.recorder.count("stops", "InvestigationStopped")

    def suffer(self, trouble: Trouble) -> float:
        """The trouble came and went, with incidents under way and new ones; when it began."""
        self.publish()
        began = time.time()
        if trouble.weather == "fair":
            self.fleet.proxy.reset("redis")
        self.fleet.proxy.weather("redis", trouble.weather, latency_seconds=trouble.latency_seconds)
        self.publish()
        self.until(lambda: time.time() >= began + trouble.seconds, trouble.seconds + 10)
        self.fleet.proxy.weather("redis", "fair")
        return began

    def recover(self) -> tuple[float, float]:
        """Seconds until a turn became due, and until all is over. Raises StackFailed."""
        turns = self.recorder.count("turns", "TurnDue")
        self.publish()
        resumed = self.until(lambda: self.recorder.count("turns", "TurnDue") > turns, 60)
        return resumed, resumed + self.until(self._all_over, 60)

    def _all_over(self) -> bool:
        return self.ended >= self.published and not pending_of(self.fleet.desk.redis)

    def until(self, condition: Callable[[], bool], seconds: float) -> float:
        """Seconds until the condition held. Raises StackFailed when it did not in time."""
        began = time.monotonic()
        self.fleet.stack.wait("work after the trouble", condition, seconds=seconds)
        return time.monotonic() - began


@pytest.fixture
def network() -> Iterator[Network]:
    settings = {**SETTINGS, "NIGHTSHIFT_LEASE_SECONDS": str(LEASE_SECONDS)}
    plan = FleetPlan(
        scenario=SCENARIO, settings=settings, proxied=frozenset({"redis"}), model_seconds=0.3
    )
    with running_fleet(plan) as fleet, recording(fleet.redis.url) as recorder:
        yield Network(fleet, recorder)


def test_work_goes_on_within_ten_seconds_after_the_network_to_redis_has_healed(
    network: Network, lane: Lane, figures: Figures
) -> None:
    faults, late = [], []
    for trouble in lane.pick(SHORT, ALL):
        began = network.suffer(trouble)
        name = f"network to Redis: {trouble.name} for {trouble.seconds:.0f} s"
        try:
            resumed, over = network.recover()
        except StackFailed as error:
            network.fleet.keep_logs = True
            late.append(f"{name}: {error}")
            break
        finally:
            # Until then: what hung on a dead connection is found out only afterwards.
            faults.append(Fault(began, time.time(), "*", name))
        figures.add("R19", f"{name}: seconds until work went on", resumed, "10")
        figures.add("R19", f"{name}: seconds until everything had ended", over)
        if resumed > WANTED_SECONDS:
            late.append(f"{name}: {resumed:.1f} s")
    settled(network.fleet.stack)
    evidence = collect(network.fleet, network.recorder, faults=faults, published=network.incidents)
    violations = check(evidence, Rules(deadline_seconds=300))
    assert not violations, f"logs: {network.fleet.folder}\n{report(evidence, violations)}"
    assert not late
