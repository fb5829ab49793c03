"""A scenario: one scripted incident as data, what every tool answers, what a diagnosis must say."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.faults import Fault
from simulator.scenario.cluster_setups import ClusterSetup
from simulator.scenario.parts import Age, Number, Part


class ScenarioError(Exception):
    """A scenario file that cannot be used; the text says which field and why, a line for each."""


class AlarmSetup(Part):
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


class CommitSetup(Part):
    """A commit of the repository, newest first in the list; `patches` holds hunks by path."""

    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    message: str
    author: str
    age: Age
    paths: tuple[str, ...]
    patches: dict[str, str] = Field(default_factory=dict)


class RepositorySetup(Part):
    """The source repository. `files` maps a path to its whole text at `revision`.

    `tags` maps the name of an annotated tag to the sha of its commit.
    """

    name: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    default_branch: str = "main"
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    files: dict[str, str]
    commits: tuple[CommitSetup, ...]
    tags: dict[str, str] = Field(default_factory=dict)


class MetricSetup(Part):
    """Points of one CloudWatch metric, one a minute, oldest first, the last one now."""

    namespace: str
    metric: str
    dimensions: dict[str, str] = Field(default_factory=dict)
    points: tuple[Number, ...]


class CloudWatchSetup(Part):
    """Log groups (name -> a log of the cluster's) and metric points."""

    log_groups: dict[str, str] = Field(default_factory=dict)
    metrics: tuple[MetricSetup, ...] = ()


class ScriptedCall(Part):
    """One call of the scripted model. `{pod:cartservice}` stands for that workload's first pod.

    `{case}` stands for the first word of the opening like `case-7f`, `{call}` for the turn and the
    place of the call, such as `2-1`: with both in it a request tells which call of which incident
    it belongs to.
    """

    tool: str
    arguments: dict[str, object]


class ScriptedTurn(Part):
    """What the scripted model says and calls in one turn."""

    text: str
    calls: tuple[ScriptedCall, ...]


class ScriptedEvidence(Part):
    """Quote the first line shown by `tool` that matches `pattern`, with `more` lines after it.

    `proves` says what the quote stands for; it names the gap where no such line was shown.
    """

    tool: str
    pattern: str = Field(max_length=500)
    more: int = Field(default=0, ge=0, le=100)
    proves: str = ""


class ScriptedDiagnosis(Part):
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


class Script(Part):
    """How the scripted model works the incident: its turns, then its diagnosis."""

    turns: tuple[ScriptedTurn, ...]
    diagnosis: ScriptedDiagnosis


class Expected(Part):
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


class Scenario(Part):
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
