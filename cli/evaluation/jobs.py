"""What is to be run: which incidents, and over which stacks."""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from bus.events import Alarm, IncidentId, IncidentOpened
from cli.evaluation.expectation import Expectation, of_case, of_scenario
from simulator.cases import Case, Problem, read_cases
from simulator.model.tempers import TEMPERS, note_for
from simulator.scenario import Scenario, ScenarioError, load_scenario, scenario_names
from simulator.world import settings_of

ATTACHED = "trigger"
SCRIPTED = {"right": "right", "wrong": "confidently wrong", "lazy": "lazy"}
"""What the scripted models are called."""
ORDER = ("right", "lazy", "confidently wrong")
"""How they must rank: who does not know says less than who is right, and more than who misleads."""


@dataclass(frozen=True)
class Job:
    """One incident to open, who plays it, and what is expected."""

    player: str
    expected: Expectation
    opened: IncidentOpened

    @property
    def incident(self) -> str:
        """Its id, which says nothing of the case."""
        return str(self.opened.incident_id)


@dataclass(frozen=True)
class Group:
    """Jobs that may run at once: those of one scenario, or those of all case folders."""

    scenario: str
    """Whose world they need; empty for case folders."""
    jobs: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Groups that share one stack, whose world changes from one to the next."""

    name: str
    groups: tuple[Group, ...]
    folders: dict[str, Path] = field(default_factory=dict)
    """The case folder of each incident, for jobs of case folders."""

    @property
    def jobs(self) -> list[Job]:
        """Those of all groups, in their order."""
        return [job for group in self.groups for job in group.jobs]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What was chosen: the cases that can be run, and what is wrong with the others."""

    scenarios: tuple[Scenario, ...]
    cases: tuple[Case, ...]
    problems: tuple[Problem, ...]

    @property
    def count(self) -> int:
        """How many cases there are to run."""
        return len(self.scenarios) + len(self.cases)


def choose(folders: Iterable[Path], only: Sequence[str], *, scenarios: bool) -> Chosen:
    """The shipped scenarios and the cases of these folders whose names fit one of the patterns."""
    loaded: list[Scenario] = []
    problems: list[Problem] = []
    for name in scenario_names() if scenarios else ():
        try:
            loaded.append(load_scenario(name))
        except ScenarioError as error:
            problems.append(Problem(name, str(error)))
    cases: dict[str, Case] = {}
    for folder in folders:
        found, wrong = read_cases(folder)
        problems += wrong
        for case in found:
            if case.name in cases:
                other = cases[case.name].folder
                sentence = f"{case.folder}: there is a case of that name already, {other}"
                problems.append(Problem(case.name, sentence))
            cases.setdefault(case.name, case)
    return Chosen(
        scenarios=tuple(one for one in loaded if _wanted(one.name, only)),
        cases=tuple(one for one in cases.values() if _wanted(one.name, only)),
        problems=tuple(one for one in problems if _wanted(one.case, only)),
    )


def benches(chosen: Chosen, *, model: str, repeat: int, seed: int) -> list[Bench]:
    """The stacks to run one after another, their jobs in an order drawn by the seed.

    Without a `model` each case is played by all three scripted ones.
    """
    players: list[str] = [model] if model else [*TEMPERS]
    worlds: dict[tuple[str, ...], list[Group]] = defaultdict(list)
    for scenario in chosen.scenarios:
        opened = _of_scenario(scenario)
        jobs = list(_jobs(of_scenario(scenario), opened, players=players, repeat=repeat))
        worlds[settings_of(scenario)].append(Group(scenario.name, tuple(jobs)))
    folders: dict[str, Path] = {}
    recorded: list[Job] = []
    for case in chosen.cases:
        jobs = list(_jobs(of_case(case), _of_case(case), players=players, repeat=repeat))
        folders |= {job.incident: case.folder for job in jobs}
        recorded += jobs
    for groups in worlds.values():
        groups.sort(key=lambda group: _drawn(seed, group.scenario))
    recorded.sort(key=lambda job: _drawn(seed, f"{job.expected.case} {job.player}"))
    found = [Bench(name="scenarios", groups=tuple(groups)) for groups in worlds.values()]
    if recorded:
        group = Group("", tuple(recorded))
        found.append(Bench(name="recorded cases", groups=(group,), folders=folders))
    return found


def _drawn(seed: int, name: str) -> bytes:
    """Sorted by this, names stand in an order that looks like chance and is the seed's own."""
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatch(name, pattern) for pattern in only)


def _jobs(
    expected: Expectation, opened: IncidentOpened, *, players: list[str], repeat: int
) -> Iterator[Job]:
    tempers = {str(temper): temper for temper in TEMPERS}
    for player in players * repeat:
        incident = IncidentId(f"eval-{secrets.token_hex(6)}")
        temper = tempers.get(player)
        note = note_for(temper, incident) if temper else ""
        changed = opened.model_copy(update={"incident_id": incident, "note": note})
        yield Job(SCRIPTED.get(player, player), expected, changed)


def _of_scenario(scenario: Scenario) -> IncidentOpened:
    alarm = scenario.alarm
    told = Alarm(
        name=alarm.name,
        description=alarm.description,
        reason=alarm.reason,
        account=alarm.account,
        region=alarm.region,
        metric=alarm.metric,
    )
    summary = f"{alarm.name}: {alarm.reason}"
    return IncidentOpened(
        service=scenario.service, summary=summary, trigger="cloudwatch", alarm=told
    )


def _of_case(case: Case) -> IncidentOpened:
    return IncidentOpened(
        service=case.opening.service,
        summary=case.opening.summary,
        attachments={ATTACHED: case.trigger},
    )
