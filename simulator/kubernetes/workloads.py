"""Deployments, StatefulSets and the ReplicaSets of each roll-out, from a workload's history."""

from datetime import datetime, timedelta

from simulator.kubernetes.shapes import Object, metadata, stamp, uid
from simulator.scenario import ClusterSetup, WorkloadSetup

_HASH_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_FIRST_ROLL_OUT_AGE = timedelta(days=90)


def workload_object(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    """The Deployment or StatefulSet with spec and status, without `kind` and `apiVersion`."""
    created_at = now - max(_FIRST_ROLL_OUT_AGE, workload.changed)
    head = metadata(
        workload.kind, workload.name, namespace=cluster.namespace, created_at=created_at
    )
    head["labels"] = {"app": workload.name}
    head["generation"] = workload.revision
    spec: Object = {
        "replicas": workload.replicas,
        "selector": {"matchLabels": {"app": workload.name}},
        "template": {
            "metadata": {"labels": {"app": workload.name}},
            "spec": pod_template(workload, (_container(cluster, workload),)),
        },
        "revisionHistoryLimit": 10,
    }
    if workload.kind == "StatefulSet":
        spec |= {"serviceName": workload.name, "updateStrategy": {"type": "RollingUpdate"}}
        return {"metadata": head, "spec": spec, "status": _stateful_status(workload)}
    head["annotations"] = _revision_note(workload.revision, _current_cause(workload))
    spec["strategy"] = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }
    return {
        "metadata": head,
        "spec": spec | {"progressDeadlineSeconds": 600},
        "status": _deployment_status(cluster, workload, now=now),
    }


def replica_sets(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> list[Object]:
    """One ReplicaSet for each roll-out that is kept, the current one with the pods."""
    rollouts = _rollouts(workload)
    found: list[Object] = []
    for index, (image, cause) in enumerate(rollouts):
        steps_back = len(rollouts) - 1 - index
        revision = workload.revision - steps_back
        shown = workload.model_copy(update={"image": image})
        name = _replica_set_name(cluster, workload, revision=revision)
        created_at = now - workload.changed - timedelta(days=7) * steps_back
        head = metadata("ReplicaSet", name, namespace=cluster.namespace, created_at=created_at)
        labels = {"app": workload.name, "pod-template-hash": name.removeprefix(f"{workload.name}-")}
        head |= {"labels": labels, "annotations": _revision_note(revision, cause)}
        head["ownerReferences"] = [_owner("Deployment", workload.name, namespace=cluster.namespace)]
        replicas = 0 if steps_back else workload.replicas
        spec: Object = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": pod_template(shown, (_container(cluster, workload),)),
            },
        }
        status: Object = {"replicas": replicas, "observedGeneration": 1}
        if replicas:
            status |= {"fullyLabeledReplicas": replicas} | _ready(workload)
        found.append({"metadata": head, "spec": spec, "status": status})
    return found


def pod_owner(
    cluster: ClusterSetup, workload: WorkloadSetup, *, pod: str
) -> tuple[dict[str, str], Object]:
    """A pod's labels and its owner reference, which is empty for a pod on its own."""
    labels = {"app": workload.name}
    if all(known.name != workload.name for known in cluster.workloads):
        return labels, {}
    if workload.kind == "StatefulSet":
        labels["statefulset.kubernetes.io/pod-name"] = pod
        return labels, _owner("StatefulSet", workload.name, namespace=cluster.namespace)
    name = _replica_set_name(cluster, workload, revision=workload.revision)
    labels["pod-template-hash"] = name.removeprefix(f"{workload.name}-")
    return labels, _owner("ReplicaSet", name, namespace=cluster.namespace)


def pod_template(workload: WorkloadSetup, containers: tuple[str, ...]) -> Object:
    """The spec of the workload's pods; the first container is the workload's own."""
    env = [{"name": name, "value": value} for name, value in workload.env.items()]
    own: Object = {
        "name": containers[0],
        "image": workload.image,
        "env": env,
        "resources": {"limits": {"memory": workload.memory_limit}},
        "imagePullPolicy": "IfNotPresent",
    }
    port = workload.env.get("PORT", "")
    if port.isdecimal():
        own["ports"] = [{"containerPort": int(port), "protocol": "TCP"}]
    others = [{"name": name, "image": f"{name}:latest"} for name in containers[1:]]
    return {
        "containers": [own, *others],
        "restartPolicy": "Always",
        "serviceAccountName": workload.name,
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
    }


def _rollouts(workload: WorkloadSetup) -> list[tuple[str, str]]:
    """Image and change cause of each roll-out, oldest first, the current one last."""
    known = []
    for entry in workload.history:
        image, _, cause = entry.partition(" ")
        known.append((image, cause.strip()))
    if not known or known[-1][0] != workload.image:
        known.append((workload.image, ""))
    return known[-workload.revision :]


def _current_cause(workload: WorkloadSetup) -> str:
    return _rollouts(workload)[-1][1]


def _revision_note(revision: int, cause: str) -> Object:
    note: Object = {"deployment.kubernetes.io/revision": str(revision)}
    return note | ({"kubernetes.io/change-cause": cause} if cause else {})


def _replica_set_name(cluster: ClusterSetup, workload: WorkloadSetup, *, revision: int) -> str:
    # The current one is written in its pods' names: cartservice-<hash>-<pod>.
    own = [pod.name for pod in cluster.pods if pod.workload == workload.name]
    stems = [name.rpartition("-")[0] for name in own]
    stems = [stem for stem in stems if stem.startswith(f"{workload.name}-")]
    if stems and revision == workload.revision:
        return stems[0]
    number = int(uid("ReplicaSet", workload.name, name=f"{revision}").replace("-", ""), 16)
    letters = []
    for _ in range(10):
        number, index = divmod(number, len(_HASH_LETTERS))
        letters.append(_HASH_LETTERS[index])
    return f"{workload.name}-{''.join(letters)}"


def _container(cluster: ClusterSetup, workload: WorkloadSetup) -> str:
    names = [pod.container for pod in cluster.pods if pod.workload == workload.name]
    return names[0] if names else "server"


def _owner(kind: str, name: str, *, namespace: str) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": name,
        "uid": uid(kind, namespace, name=name),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _ready(workload: WorkloadSetup) -> Object:
    # The real API leaves a count of zero out.
    count = min(workload.ready, workload.replicas)
    return {"readyReplicas": count, "availableReplicas": count} if count else {}


def _stateful_status(workload: WorkloadSetup) -> Object:
    status: Object = {
        "observedGeneration": workload.revision,
        "replicas": workload.replicas,
        "currentReplicas": workload.replicas,
        "updatedReplicas": workload.replicas,
        "collisionCount": 0,
        "availableReplicas": 0,
    }
    return status | _ready(workload)


def _deployment_status(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    status: Object = {"observedGeneration": workload.revision}
    if workload.replicas:
        status |= {"replicas": workload.replicas, "updatedReplicas": workload.replicas}
    status |= _ready(workload)
    missing = workload.replicas - min(workload.ready, workload.replicas)
    if missing:
        status["unavailableReplicas"] = missing
    newest = _replica_set_name(cluster, workload, revision=workload.revision)
    changed_at = now - workload.changed
    # At most a quarter of the replicas may be away: the roll-out strategy above.
    enough = missing * 4 <= workload.replicas
    status["conditions"] = _conditions(newest, changed_at, enough=enough)
    return status


def _conditions(replica_set: str, changed_at: datetime, *, enough: bool) -> list[Object]:
    changed: Object = {"lastUpdateTime": stamp(changed_at)}
    changed["lastTransitionTime"] = changed["lastUpdateTime"]
    available: Object = {
        "type": "Available",
        "status": "True" if enough else "False",
        "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        "message": "Deployment has minimum availability."
        if enough
        else "Deployment does not have minimum availability.",
    }
    progressing: Object = {
        "type": "Progressing",
        "status": "True",
        "reason": "NewReplicaSetAvailable",
        "message": f'ReplicaSet "{replica_set}" has successfully progressed.',
    }
    return [available | changed, progressing | changed]
