"""What is to be run: which incidents, and over which stacks."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from bus.events import Alarm, IncidentId, IncidentOpened
from cli.evaluation.expectation import Expectation, of_case, of_scenario
from simulator.cases import Case, Problem, read_cases
from simulator.model.tempers import TEMPERS, note_for
from simulator.scenario import Scenario, ScenarioError, load_scenario, scenario_names

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


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Jobs that share one stack: those of one scenario, or those of all case folders."""

    name: str
    jobs: tuple[Job, ...]
    scenario: str = ""
    folders: dict[str, Path] = field(default_factory=dict)
    """The case folder of each incident, for jobs of case folders."""


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
    """The stacks to run one after another, in an order drawn by the seed.

    Without a `model` each case is played by all three scripted ones.
    """
    players: list[str] = [model] if model else [*TEMPERS]
    found = []
    for scenario in chosen.scenarios:
        opened = _of_scenario(scenario)
        jobs = list(_jobs(of_scenario(scenario), opened, players=players, repeat=repeat))
        found.append(Bench(name=scenario.name, scenario=scenario.name, jobs=tuple(jobs)))
    folders: dict[str, Path] = {}
    recorded: list[Job] = []
    for case in chosen.cases:
        jobs = list(_jobs(of_case(case), _of_case(case), players=players, repeat=repeat))
        folders |= {job.incident: case.folder for job in jobs}
        recorded += jobs
    found.sort(key=lambda bench: _drawn(seed, bench.name))
    recorded.sort(key=lambda job: _drawn(seed, f"{job.expected.case} {job.player}"))
    if recorded:
        found.append(Bench(name="recorded cases", jobs=tuple(recorded), folders=folders))
    return found


def _drawn(seed: int, name: str) -> bytes:
    """Sorted by this, names stand in an order that looks like chance and is the seed's own."""
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatch(name, pattern) for pattern in only)


def _jobs(
    expected: Expectation, opened: IncidentOpened, *, players: list[str], repeat: int
) -> Iterator[Job]:
    for player in players:
        for _ in range(repeat):
            incident = IncidentId(f"eval-{secrets.token_hex(6)}")
            changes: dict[str, object] = {"incident_id": incident}
            for temper in TEMPERS:
                if temper == player:
                    changes["note"] = note_for(temper, incident)
            yield Job(SCRIPTED.get(player, player), expected, opened.model_copy(update=changes))


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
