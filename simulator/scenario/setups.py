"""A scenario: one scripted incident as data, what every tool answers, what a diagnosis must say."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from simulator.faults import Fault

MOST_LINES = 2_000_000
"""Of all logs together."""
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Number = Annotated[float, Field(ge=-1e15, le=1e15)]
Age = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=3650))]


class ScenarioError(Exception):
    """A scenario file that cannot be used; the text says which field and why, a line for each."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AlarmSetup(_Part):
    """The CloudWatch alarm that fires."""

    name: str
    description: str
    reason: str
    namespace: str = "Microservices/Errors"
    metric: str
    threshold: Number = 0.0
    period_seconds: int = Field(default=300, ge=1, le=86_400)
    account: str = "123456789012"
    region: str = "eu-west-2"


class Placed(_Part):
    """Text that stands at one known line of a log; several lines are allowed.

    With `times` it stands there and `every` so many lines further on. The fields of background
    texts are drawn in it too.
    """

    at: int = Field(ge=1, le=MOST_LINES)
    text: str
    times: int = Field(default=1, ge=1, le=MOST_LINES)
    every: int = Field(default=1, ge=1, le=MOST_LINES)


class LogSetup(_Part):
    """A log of `lines` lines, the same ones for the same seed.

    `background` texts are drawn at random and may hold fields: {hex16} {hex32} {uuid} {product}
    {int} are drawn, {time} and {clock} say when the line was written, as an RFC 3339 moment and as
    a time of day. `placed` texts replace what would stand at their line. The lines lie evenly
    between `span` before now and now. `stamped` puts the moment before each line.
    """

    lines: int = Field(ge=0, le=MOST_LINES)
    seed: Count = 1
    span: Age = timedelta(minutes=30)
    stamped: bool = False
    background: tuple[str, ...] = ()
    placed: tuple[Placed, ...] = ()


def _not_too_long(logs: dict[str, LogSetup]) -> dict[str, LogSetup]:
    lines = sum(log.lines for log in logs.values())
    if lines > MOST_LINES:
        raise ValueError(f"the logs have {lines:,} lines together; {MOST_LINES:,} are allowed")
    return logs


Logs = Annotated[dict[str, LogSetup], AfterValidator(_not_too_long)]


class ContainerEnd(_Part):
    """How a container ended last: `reason` as Kubernetes says it, for example OOMKilled."""

    reason: str
    exit_code: int = Field(ge=0, le=255)
    age: Age = timedelta(minutes=3)
    ran: Age = timedelta(minutes=5)


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
    restarts: Count = 0
    waiting: str | None = None
    last_end: ContainerEnd | None = None
    age: Age = timedelta(days=2)
    node: str | None = None
    """Where it runs; by default one of three nodes, always the same for the same name."""
    log: str | None = None
    previous_log: str | None = None
    sidecars: tuple[str, ...] = ()


class WorkloadSetup(_Part):
    """A Deployment with its image, settings and roll-out history (oldest first)."""

    name: str
    image: str
    kind: Literal["Deployment", "StatefulSet"] = "Deployment"
    replicas: int = Field(default=1, ge=0, le=1000)
    ready: int = Field(default=1, ge=0, le=1000)
    port: int | None = Field(default=None, ge=1, le=65_535)
    """Where its container listens; by default what PORT in `env` says."""
    env: dict[str, str] = Field(default_factory=dict)
    memory_limit: str = "128Mi"
    cpu_limit: str | None = None
    requests: dict[str, str] = Field(default_factory=dict)
    revision: int = Field(default=1, ge=1, le=1_000_000)
    changed: Age = timedelta(days=2)
    history: tuple[str, ...] = ()


class EventSetup(_Part):
    """A Kubernetes event about one object; `source` is who reported it, by default as is usual.

    `age` is that of its last occurrence, `first` of its first: by default one a minute before it.
    """

    type: Literal["Normal", "Warning"] = "Warning"
    reason: str
    object_kind: str = "Pod"
    object_name: str
    message: str
    count: int = Field(default=1, ge=1, le=1_000_000)
    age: Age = timedelta(minutes=5)
    first: Age | None = None
    source: str = ""


class ClusterSetup(_Part):
    """What the Kubernetes API shows. `denied` lists resources (`pods/log`) that RBAC refuses."""

    namespace: str = "boutique"
    workloads: tuple[WorkloadSetup, ...] = ()
    pods: tuple[PodSetup, ...] = ()
    events: tuple[EventSetup, ...] = ()
    logs: Logs = Field(default_factory=dict)
    denied: tuple[str, ...] = ()


class CommitSetup(_Part):
    """A commit of the repository, newest first in the list; `patches` holds hunks by path."""

    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    message: str
    author: str
    age: Age
    paths: tuple[str, ...]
    patches: dict[str, str] = Field(default_factory=dict)


class RepositorySetup(_Part):
    """The source repository. `files` maps a path to its whole text at `revision`.

    `tags` maps the name of an annotated tag to the sha of its commit.
    """

    name: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    default_branch: str = "main"
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    files: dict[str, str]
    commits: tuple[CommitSetup, ...]
    tags: dict[str, str] = Field(default_factory=dict)


class MetricSetup(_Part):
    """Points of one CloudWatch metric, one a minute, oldest first, the last one now."""

    namespace: str
    metric: str
    dimensions: dict[str, str] = Field(default_factory=dict)
    points: tuple[Number, ...]


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
    pattern: str = Field(max_length=500)
    more: int = Field(default=0, ge=0, le=100)
    proves: str = ""


class ScriptedDiagnosis(_Part):
    """The arguments of `submit_diagnosis`; evidence is looked up in what the model was shown."""

    verdict: Literal["fault", "healthy", "unknown"]
    summary: str
    root_cause: str
    component: str
    code_location: dict[str, object] | None = None
    evidence: tuple[ScriptedEvidence, ...] = Field(default=(), max_length=20)
    ruled_out: tuple[dict[str, str], ...] = ()
    gaps: tuple[dict[str, str], ...] = ()
    fix: dict[str, str] | None = None
    confidence: Literal["high", "medium", "low"] = "high"


class Script(_Part):
    """How the scripted model works the incident: its turns, then its diagnosis."""

    turns: tuple[ScriptedTurn, ...]
    diagnosis: ScriptedDiagnosis


class Expected(_Part):
    """What a good diagnosis says, and what it must not claim.

    `cause_words` stand in its summary or its root cause, `gap_words` in a gap that it names, and
    `must_not_claim` nowhere in the message, all of them whatever their case.
    """

    outcome: Literal["diagnosed", "inconclusive"] = "diagnosed"
    verdict: Literal["fault", "healthy", "unknown"]
    component: str
    cause_words: tuple[str, ...]
    gap_words: tuple[str, ...] = ()
    fix_location: str | None = None
    must_not_claim: tuple[str, ...] = ()
    red_herring: bool = False
    """Something in it points elsewhere; an evaluation counts such scenarios apart."""


class Scenario(_Part):
    """One incident, whole. `lesson` says in a sentence what it asks of whoever investigates."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    lesson: str = ""
    service: str
    symptom: str
    alarm: AlarmSetup
    cluster: ClusterSetup
    repository: RepositorySetup
    cloudwatch: CloudWatchSetup = CloudWatchSetup()
    script: Script
    expected: Expected
    faults: tuple[Fault, ...] = ()
    """What goes wrong in the stand-ins from the start."""
