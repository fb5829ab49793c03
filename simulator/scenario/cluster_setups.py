"""The cluster of a scenario: workloads, pods, events, logs, and what Kubernetes shows of them."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from simulator.scenario.parts import MOST_LINES, Age, Count, Part, Sha


class Placed(Part):
    """Text that stands at one known line of a log; several lines are allowed.

    With `times` it stands there and `every` so many lines further on. The fields of background
    texts are drawn in it too.
    """

    at: int = Field(ge=1, le=MOST_LINES)
    text: str
    times: int = Field(default=1, ge=1, le=MOST_LINES)
    every: int = Field(default=1, ge=1, le=MOST_LINES)


class LogSetup(Part):
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


class ContainerEnd(Part):
    """How a container ended last: `reason` as Kubernetes says it, for example OOMKilled."""

    reason: str
    exit_code: int = Field(ge=0, le=255)
    age: Age = timedelta(minutes=3)
    ran: Age = timedelta(minutes=5)


class PodSetup(Part):
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
    cpu: str = ""
    """What it uses, such as 120m; by default a fifth of what it may."""
    memory: str = ""
    """What it uses, such as 90Mi; by default a third of what it may."""


class BeforeSetup(Part):
    """What was otherwise in the pods of the roll-out before; what it does not say was the same."""

    env: dict[str, str] = Field(default_factory=dict)
    """Values that variables had."""
    added: tuple[str, ...] = ()
    """Variables that there were not."""
    memory_limit: str = ""
    cpu_limit: str = ""
    commit: Sha | None = None


class AutoscalerSetup(Part):
    """A HorizontalPodAutoscaler of a workload, by its CPU in percent of what it requests."""

    least: int = Field(default=1, ge=1, le=1000)
    most: int = Field(default=3, ge=1, le=1000)
    target: int = Field(default=80, ge=1, le=1000)
    now: int = Field(default=20, ge=0, le=10_000)
    wanted: int = Field(default=1, ge=0, le=1000)


class WorkloadSetup(Part):
    """A workload, a Deployment unless it says so, with its image, settings and roll-out history."""

    name: str
    image: str
    kind: Literal["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job"] = "Deployment"
    replicas: int = Field(default=1, ge=0, le=1000)
    ready: int = Field(default=1, ge=0, le=1000)
    port: int | None = Field(default=None, ge=1, le=65_535)
    """Where its container listens; by default what PORT in `env` says."""
    service_port: int | None = Field(default=None, ge=1, le=65_535)
    """The port of its service; by default where it listens, and no service where it does not."""
    env: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    """Variables from secrets, as `secret/key`."""
    commit: Sha | None = None
    """The commit that its image was built from, as an annotation of its pods tells it."""
    before: BeforeSetup = BeforeSetup()
    autoscaler: AutoscalerSetup | None = None
    schedule: str = "*/10 * * * *"
    """When a CronJob runs."""
    failed: Count = 0
    """Pods of a Job that failed."""
    memory_limit: str = "128Mi"
    cpu_limit: str | None = None
    requests: dict[str, str] = Field(default_factory=dict)
    revision: int = Field(default=1, ge=1, le=1_000_000)
    changed: Age = timedelta(days=2)
    history: tuple[str, ...] = ()
    """Image and change cause of each roll-out, oldest first."""


class ServiceSetup(Part):
    """A service that is not as its workload would have it, or that has none."""

    name: str
    port: int = Field(default=80, ge=1, le=65_535)
    target: int | None = Field(default=None, ge=1, le=65_535)
    """The port of the pods; by default the same."""
    selector: dict[str, str]


class EventSetup(Part):
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


class ClusterSetup(Part):
    """What the Kubernetes API shows. `denied` lists resources (`pods/log`) that RBAC refuses."""

    namespace: str = "boutique"
    workloads: tuple[WorkloadSetup, ...] = ()
    services: tuple[ServiceSetup, ...] = ()
    """By their names in the place of those that workloads have; the others are as usual."""
    network_policies: dict[str, dict[str, object]] = Field(default_factory=dict)
    """The `spec` of each, as Kubernetes writes it."""
    quotas: dict[str, dict[str, str]] = Field(default_factory=dict)
    """What each limits, as `used/allowed`."""
    metrics_server: bool = True
    """Whether metrics.k8s.io is served."""
    pods: tuple[PodSetup, ...] = ()
    events: tuple[EventSetup, ...] = ()
    logs: Logs = Field(default_factory=dict)
    denied: tuple[str, ...] = ()
