"""Every named crash point of an incident, by SIGKILL and by SIGSTOP with a later SIGCONT.

At each point one process is struck while one incident runs; then the incident must look, from
outside, as if nothing had happened. What no client can prevent is named in `UNPREVENTABLE`, checked
for all the rest, and counted on its own.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.chaos.checker import check
from tests.chaos.collecting import collect
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import CHANNELS, FleetPlan, running_fleet
from tests.chaos.load import SCENARIO
from tests.chaos.measuring import repeated
from tests.chaos.points import WAYS, Case, Point, cases_of
from tests.chaos.recorder import recording
from tests.chaos.rules import Rules, Violation
from tests.chaos.story import timeline
from tests.chaos.striking import Striker, Struck
from tests.lane import Figures, Lane

DEADLINE_SECONDS = 300.0
SETTINGS = {
    "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "0.3",
    "NIGHTSHIFT_PROGRESS_SECONDS": "0",
    "NIGHTSHIFT_ROLLOUTS_SECONDS": "0",  # looked up by the clock, so no run passes it like another
    "NIGHTSHIFT_QUEUE_VISIBILITY_SECONDS": "5",
    "NIGHTSHIFT_MAX_DAY_COST_USD": "100000",
}
TRIES = 3
"""How often a point is tried that an incident did not pass; results race, so it may not."""
UNPREVENTABLE = {
    "tool call": ("called after its result", "work after the outcome"),
    "model call": ("work after the outcome",),
}
"""By the operation whose request was held on its way until long after the sender's lease: nobody
can call back what was sent. Its one late arrival is no violation, whatever follows from it is."""
OF_A_THREAD = (
    *("begin_detail", "note_file", "end_detail", "close_thread"),
    *("slack files.", "slack upload", "slack conversations.replies"),
)
TOLD = 3
"""Timelines in a failure."""


@dataclass
class Judged:
    """Every case with what was wrong with it."""

    evidence: Evidence
    broken: list[tuple[Struck, list[str]]]
    on_the_wire: Counter[str]
    unplaced: list[Violation]

    def __str__(self) -> str:
        parts = [f"{len(self.broken)} crash points, {len(self.unplaced)} violations of the run"]
        parts += [f"{one.promise} {one.kind}: {one.what}" for one in self.unplaced]
        parts += [f"{struck.case}: {'; '.join(wrong)}" for struck, wrong in self.broken]
        for struck, _ in self.broken[:TOLD]:
            parts += ["", f"{struck.case}:", timeline(self.evidence, struck.incident)]
        return "\n".join(parts)


@dataclass(frozen=True)
class Share:
    """Which cases one fleet gets."""

    first: int
    step: int
    named: str = ""

    def __call__(self, points: list[Point], lane: Lane) -> list[Case]:
        if self.named:
            return [case for case in cases_of(points) if self.named in str(case)]
        if lane.full:
            numbered = enumerate(cases_of(points))
            # Two by two, so that each share has both ways of every point.
            return [case for at, case in numbered if at // 2 % self.step == self.first]
        return sample(points, lane.random("crash points"))


def sample(points: list[Point], draw: random.Random) -> list[Case]:
    """One case for every second operation, whatever it is about; of ingest's only one, for they
    wait until the queue shows an alarm again, and of all that a thread needs one, too."""
    by_operation: dict[tuple[str, str], list[Case]] = {}
    for case in cases_of(points):
        operation = case.point.operation.removeprefix("commit: ").split(" (")[0]
        operation = "redis xack" if operation.startswith("redis xack") else operation
        operation = "" if case.point.service == "ingest" else operation
        operation = "thread" if operation.startswith(OF_A_THREAD) else operation
        by_operation.setdefault((case.point.service, operation), []).append(case)
    chosen = [draw.choice(cases) for _, cases in sorted(by_operation.items())]
    services = {case.point.service: case for case in chosen}
    drawn = draw.sample(chosen, len(chosen) // 2)
    return [case for case in chosen if case in drawn or case is services[case.point.service]]


def judge(striker: Striker, evidence: Evidence) -> Judged:
    """Whose violations they are, and which of them nobody could have prevented."""
    struck = {one.incident: one for one in striker.struck if one.hit}
    wrong: dict[str, list[str]] = {one.incident: [one.problem] for one in struck.values()}
    late: dict[str, set[str]] = {one: set() for one in struck}
    on_the_wire: Counter[str] = Counter()
    unplaced = []
    for violation in check(evidence, Rules(deadline_seconds=DEADLINE_SECONDS)):
        one = struck.get(violation.incident)
        if one is None:
            unplaced.append(violation)
        elif _is_unpreventable(one.case, violation) and violation.kind not in late[one.incident]:
            late[one.incident].add(violation.kind)
            on_the_wire[f"{_operation(one.case)}: {violation.kind}"] += 1
        else:
            wrong[one.incident].append(f"{violation.promise} {violation.kind}: {violation.what}")
    broken = [(struck[name], list(filter(None, said))) for name, said in wrong.items()]
    return Judged(evidence, [one for one in broken if one[1]], on_the_wire, unplaced)


def _is_unpreventable(case: Case, violation: Violation) -> bool:
    return _is_held(case) and violation.kind in UNPREVENTABLE.get(_operation(case), ())


def _is_held(case: Case) -> bool:
    return (case.phase, case.way) == ("before", "SIGSTOP")


def _operation(case: Case) -> str:
    return case.point.operation.split(" (")[0]


def note(figures: Figures, judged: Judged, striker: Striker) -> None:
    """What was struck, and what came of it."""
    for way in WAYS:
        hit = [one for one in striker.struck if one.hit and one.case.way == way]
        name = f"crash points: {way}"
        figures.add("R1", f"{name}: cases", len(hit))
        broken = [str(one.case) for one, _ in judged.broken if one.case.way == way]
        figures.add("R1", f"{name}: cases that broke a promise", len(broken), 0)
    model, tools = repeated(judged.evidence)
    figures.add("R1", "crash points: model calls repeated, tool calls repeated", (model, tools))
    figures.add("R1", "crash points: lease in seconds", striker.fleet.lease_seconds)
    for what, count in judged.on_the_wire.items():
        held = sum(_is_held(one.case) and _operation(one.case) in what for one in striker.struck)
        text = f"crash points: a zombie's request, held on its way until all was over: {what}"
        figures.add("R5", text, count, f"at most {held}, once each")


@pytest.fixture
def striker(lane: Lane) -> Iterator[Striker]:
    settings = SETTINGS | {"NIGHTSHIFT_LEASE_SECONDS": str(lane.pick(1.5, 2.0))}
    plan = FleetPlan(
        scenario=SCENARIO,
        settings=settings,
        replicas={"ingest": 2},
        proxied=frozenset(CHANNELS),
        model_seconds=0.02,
    )
    with running_fleet(plan) as fleet, recording(fleet.redis.url) as recorder:
        yield Striker(fleet, recorder)


def strike_all(striker: Striker, cases: list[Case]) -> list[Case]:
    """Every case was struck, or is among those that were not, for want of the point."""
    missed = cases
    for _ in range(TRIES):
        missed = [case for case in missed if not striker.strike(case).hit]
    return missed


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The full lane has two fleets side by side, each with a share of the points."""
    full = metafunc.config.getoption("full") and not chosen(metafunc.config)
    groups = ("chaos", "chaos-2") if full else ("chaos",)
    shares = [
        pytest.param(
            Share(at, len(groups), chosen(metafunc.config)),
            marks=pytest.mark.xdist_group(name),
            id=name,
        )
        for at, name in enumerate(groups)
    ]
    if "share" in metafunc.fixturenames:
        metafunc.parametrize("share", shares)


def chosen(config: pytest.Config) -> str:
    """What `--points` says; the option is known only where the run began in this folder."""
    return str(config.getoption("points", default=""))


@pytest.mark.timeout(1800)
def test_process_struck_at_a_named_point_loses_nothing_and_does_nothing_twice(
    striker: Striker, lane: Lane, figures: Figures, share: Share
) -> None:
    points = striker.points(runs=lane.pick(1, 3))
    assert {point.service for point in points} == {"ingest", "reasoner", "toolrunner", "notifier"}
    missed = strike_all(striker, share(points, lane))
    evidence = collect(
        striker.fleet,
        striker.recorder,
        faults=[fault for one in striker.struck for fault in one.faults],
        sent=striker.sent,
        published=[one.incident for one in striker.struck if one.incident],
    )
    judged = judge(striker, evidence)
    striker.fleet.keep_logs = bool(judged.broken)
    note(figures, judged, striker)
    assert not judged.broken, f"logs: {striker.fleet.folder}\n{judged}"
    assert not judged.unplaced, f"{judged}"
    assert not missed, f"never reached: {'; '.join(map(str, missed))}"
