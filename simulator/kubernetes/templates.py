"""The pod template of a workload, now and as of its earlier roll-outs."""

from simulator.kubernetes.shapes import Object, uid
from simulator.scenario import ClusterSetup, WorkloadSetup

_HASH_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_COMMIT = "org.opencontainers.image.revision"


def template(
    workload: WorkloadSetup, container: str, *, labels: dict[str, str] | None = None
) -> Object:
    """The template with metadata and spec; its container has that name."""
    head: Object = {"labels": labels or {"app": workload.name}}
    return {
        "metadata": head | annotations(workload),
        "spec": pod_template(workload, (container,)),
    }


def annotations(workload: WorkloadSetup) -> Object:
    """The annotations of a workload's pods, as a part of their metadata."""
    return {"annotations": {_COMMIT: workload.commit}} if workload.commit else {}


def pod_template(workload: WorkloadSetup, containers: tuple[str, ...]) -> Object:
    """The spec of the workload's pods; the first container is the workload's own."""
    env: list[Object] = [{"name": name, "value": value} for name, value in workload.env.items()]
    for name, place in workload.secrets.items():
        secret, _, key = place.partition("/")
        env.append({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
    own: Object = {
        "name": containers[0],
        "image": workload.image,
        "env": env,
        "resources": _resources(workload),
        "imagePullPolicy": "IfNotPresent",
    }
    if port := listening_port(workload):
        own["ports"] = [{"containerPort": port, "protocol": "TCP"}]
    others = [{"name": name, "image": f"{name}:latest"} for name in containers[1:]]
    return {
        "containers": [own, *others],
        "restartPolicy": "OnFailure" if workload.kind in ("Job", "CronJob") else "Always",
        "serviceAccountName": workload.name,
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
    }


def listening_port(workload: WorkloadSetup) -> int:
    """The port of the workload's own container, 0 where nothing says one."""
    port = workload.env.get("PORT", "")
    return workload.port or (int(port) if port.isdecimal() else 0)


def rollouts(workload: WorkloadSetup) -> list[tuple[str, str]]:
    """Image and change cause of each roll-out, oldest first, the current one last."""
    known = []
    for entry in workload.history:
        image, _, cause = entry.partition(" ")
        known.append((image, cause.strip()))
    if not known or known[-1][0] != workload.image:
        known.append((workload.image, ""))
    return known[-workload.revision :]


def earlier(workload: WorkloadSetup, steps_back: int) -> WorkloadSetup:
    """The workload as of so many roll-outs ago, with what was otherwise before the current one."""
    if not steps_back:
        return workload
    known, before = rollouts(workload), workload.before
    env = {name: value for name, value in workload.env.items() if name not in before.added}
    changes: dict[str, object] = {
        "image": known[max(0, len(known) - 1 - steps_back)][0],
        "env": env | before.env,
        "memory_limit": before.memory_limit or workload.memory_limit,
        "cpu_limit": before.cpu_limit or workload.cpu_limit,
        "commit": before.commit,
    }
    return workload.model_copy(update=changes)


def revision_name(workload: WorkloadSetup, revision: int) -> str:
    """The name of a ReplicaSet or ControllerRevision: the same one for the same revision."""
    number = int(uid("ReplicaSet", workload.name, name=f"{revision}").replace("-", ""), 16)
    letters = []
    for _ in range(10):
        number, index = divmod(number, len(_HASH_LETTERS))
        letters.append(_HASH_LETTERS[index])
    return f"{workload.name}-{''.join(letters)}"


def container_of(cluster: ClusterSetup, workload: WorkloadSetup) -> str:
    """The name of the workload's own container, as its pods have it."""
    names = [pod.container for pod in cluster.pods if pod.workload == workload.name]
    return names[0] if names else "server"


def _resources(workload: WorkloadSetup) -> Object:
    limits = {"cpu": workload.cpu_limit} if workload.cpu_limit else {}
    found: Object = {"limits": limits | {"memory": workload.memory_limit}}
    return found | ({"requests": dict(workload.requests)} if workload.requests else {})
