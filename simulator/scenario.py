"""A scenario: one scripted incident as data, what every tool answers, what a diagnosis must say."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SCENARIOS = Path(__file__).parent / "scenarios"


class ScenarioError(Exception):
    """A scenario file that cannot be used; the text says which field and why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AlarmSetup(_Part):
    """The CloudWatch alarm that fires."""

    name: str
    description: str
    reason: str
    namespace: str = "Microservices/Errors"
    metric: str
    threshold: float = 0.0
    period_seconds: int = 300
    account: str = "123456789012"
    region: str = "eu-west-2"


class Placed(_Part):
    """Text that stands at one known line of a log; several lines are allowed."""

    at: int = Field(ge=1)
    text: str


class LogSetup(_Part):
    """A log of `lines` lines, the same ones for the same seed.

    `background` texts may hold the fields {hex16} {hex32} {uuid} {product} {int} and are drawn at
    random; `placed` texts replace what would stand at their line. `stamped` puts an RFC 3339 time
    before each line, `span` before now to now.
    """

    lines: int = Field(ge=0, le=2_000_000)
    seed: int = 1
    span: timedelta = timedelta(minutes=30)
    stamped: bool = False
    background: tuple[str, ...] = ()
    placed: tuple[Placed, ...] = ()


class ContainerEnd(_Part):
    """How a container ended last: `reason` as Kubernetes says it, for example OOMKilled."""

    reason: str
    exit_code: int
    age: timedelta = timedelta(minutes=3)


class PodSetup(_Part):
    """One pod; `log` and `previous_log` name entries of the cluster's logs.

    `sidecars` names further containers, healthy and silent: with one, a reader of logs has to say
    which container it means.
    """

    name: str
    workload: str
    container: str = "server"
    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"] = "Running"
    ready: bool = True
    restarts: int = 0
    waiting: str | None = None
    last_end: ContainerEnd | None = None
    age: timedelta = timedelta(days=2)
    log: str | None = None
    previous_log: str | None = None
    sidecars: tuple[str, ...] = ()


class WorkloadSetup(_Part):
    """A Deployment with its image, settings and roll-out history (oldest first)."""

    name: str
    image: str
    kind: Literal["Deployment", "StatefulSet"] = "Deployment"
    replicas: int = 1
    ready: int = 1
    env: dict[str, str] = Field(default_factory=dict)
    memory_limit: str = "128Mi"
    revision: int = 1
    changed: timedelta = timedelta(days=2)
    history: tuple[str, ...] = ()


class EventSetup(_Part):
    """A Kubernetes event about one object."""

    type: Literal["Normal", "Warning"] = "Warning"
    reason: str
    object_kind: str = "Pod"
    object_name: str
    message: str
    count: int = 1
    age: timedelta = timedelta(minutes=5)


class ClusterSetup(_Part):
    """What the Kubernetes API shows. `denied` lists resources (`pods/log`) that RBAC refuses."""

    namespace: str = "boutique"
    workloads: tuple[WorkloadSetup, ...] = ()
    pods: tuple[PodSetup, ...] = ()
    events: tuple[EventSetup, ...] = ()
    logs: dict[str, LogSetup] = Field(default_factory=dict)
    denied: tuple[str, ...] = ()


class CommitSetup(_Part):
    """A commit of the repository, newest first in the list; `patches` holds hunks by path."""

    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    message: str
    author: str
    age: timedelta
    paths: tuple[str, ...]
    patches: dict[str, str] = Field(default_factory=dict)


class RepositorySetup(_Part):
    """The source repository. `files` maps a path to its whole text at `revision`."""

    name: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    default_branch: str = "main"
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    files: dict[str, str]
    commits: tuple[CommitSetup, ...]


class MetricSetup(_Part):
    """Points of one CloudWatch metric, one a minute, oldest first, the last one now."""

    namespace: str
    metric: str
    dimensions: dict[str, str] = Field(default_factory=dict)
    points: tuple[float, ...]


class CloudWatchSetup(_Part):
    """Log groups (name -> a log of the cluster's) and metric points."""

    log_groups: dict[str, str] = Field(default_factory=dict)
    metrics: tuple[MetricSetup, ...] = ()


class ScriptedCall(_Part):
    """One call of the scripted model. `{pod:cartservice}` stands for that workload's first pod.

    `{case}` stands for the first word of the opening like `case-7f`, `{call}` for the turn and the
    place of the call, such as `2-1`: with both in it a request tells which call of which incident
    it belongs to.
    """

    tool: str
    arguments: dict[str, object]


class ScriptedTurn(_Part):
    """What the scripted model says and calls in one turn."""

    text: str
    calls: tuple[ScriptedCall, ...]


class ScriptedEvidence(_Part):
    """Quote the first line shown by `tool` that matches `pattern`, with `more` lines after it.

    `proves` says what the quote stands for; it names the gap where no such line was shown.
    """

    tool: str
    pattern: str
    more: int = 0
    proves: str = ""


class ScriptedDiagnosis(_Part):
    """The arguments of `submit_diagnosis`; evidence is looked up in what the model was shown."""

    verdict: Literal["fault", "healthy", "unknown"]
    summary: str
    root_cause: str
    component: str
    code_location: dict[str, object] | None = None
    evidence: tuple[ScriptedEvidence, ...] = ()
    ruled_out: tuple[dict[str, str], ...] = ()
    gaps: tuple[dict[str, str], ...] = ()
    fix: dict[str, str] | None = None
    confidence: Literal["high", "medium", "low"] = "high"


class Script(_Part):
    """How the scripted model works the incident: its turns, then its diagnosis."""

    turns: tuple[ScriptedTurn, ...]
    diagnosis: ScriptedDiagnosis


class Expected(_Part):
    """What a good diagnosis says, and what it must not claim."""

    verdict: Literal["fault", "healthy", "unknown"]
    component: str
    cause_words: tuple[str, ...]
    fix_location: str | None = None
    must_not_claim: tuple[str, ...] = ()


class Scenario(_Part):
    """One incident, whole."""

    name: str
    title: str
    service: str
    symptom: str
    alarm: AlarmSetup
    cluster: ClusterSetup
    repository: RepositorySetup
    cloudwatch: CloudWatchSetup = CloudWatchSetup()
    script: Script
    expected: Expected


def scenario_names() -> list[str]:
    """The names of the shipped scenarios, sorted."""
    return sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def load_scenario(name: str) -> Scenario:
    """The scenario of that name, or of that file when `name` ends in .yaml.

    Raises ScenarioError with the file, the field and the reason when it cannot be used.
    """
    path = Path(name) if name.endswith(".yaml") else SCENARIOS / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(scenario_names()) or "none"
        raise ScenarioError(f"no scenario {name!r}: there is {known}, or give a .yaml file")
    try:
        scenario = Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path.name} is not valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(f"{path.name}: {where}: {first['msg']}") from error
    if scenario.name != path.stem:
        raise ScenarioError(f"{path.name}: name is {scenario.name!r}, the file says {path.stem!r}")
    return scenario
