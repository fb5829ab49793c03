"""Deployments, StatefulSets and the ReplicaSets of each roll-out, from a workload's history."""

from datetime import datetime, timedelta

from simulator.kubernetes.shapes import Object, metadata, stamp, uid
from simulator.kubernetes.templates import container_of, earlier, revision_name, rollouts, template
from simulator.scenario import ClusterSetup, PodSetup, WorkloadSetup

_FIRST_ROLL_OUT_AGE = timedelta(days=90)
_VERSIONS = {"Service": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}
_PROGRESS_DEADLINE = timedelta(minutes=10)


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
        "template": template(workload, container_of(cluster, workload)),
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
        "spec": spec | {"progressDeadlineSeconds": _PROGRESS_DEADLINE.seconds},
        "status": _deployment_status(cluster, workload, now=now),
    }


def replica_sets(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> list[Object]:
    """One ReplicaSet for each roll-out that is kept, the current one with the pods."""
    known = rollouts(workload)
    found: list[Object] = []
    for index, (_, cause) in enumerate(known):
        steps_back = len(known) - 1 - index
        revision = workload.revision - steps_back
        shown = earlier(workload, steps_back)
        name = _replica_set_name(cluster, workload, revision=revision)
        created_at = now - workload.changed - timedelta(days=7) * steps_back
        head = metadata("ReplicaSet", name, namespace=cluster.namespace, created_at=created_at)
        labels = {"app": workload.name, "pod-template-hash": name.removeprefix(f"{workload.name}-")}
        head |= {"labels": labels, "annotations": _revision_note(revision, cause)}
        head["ownerReferences"] = [
            owner_of("Deployment", workload.name, namespace=cluster.namespace)
        ]
        replicas = len(_pods_of(cluster, name)) if steps_back else workload.replicas
        spec: Object = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template(shown, container_of(cluster, workload), labels=labels),
        }
        status: Object = {"replicas": replicas, "observedGeneration": 1}
        if replicas:
            status |= {"fullyLabeledReplicas": replicas} | _ready_in(
                cluster, workload, replica_set=name
            )
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
    if workload.kind != "Deployment":
        return labels, owner_of(workload.kind, workload.name, namespace=cluster.namespace)
    name = _stem(pod, workload)
    name = name or _replica_set_name(cluster, workload, revision=workload.revision)
    labels["pod-template-hash"] = name.removeprefix(f"{workload.name}-")
    return labels, owner_of("ReplicaSet", name, namespace=cluster.namespace)


def made_with(cluster: ClusterSetup, workload: WorkloadSetup, *, pod: str) -> WorkloadSetup:
    """The workload as a pod was made with it: as of its own roll-out, maybe an earlier one."""
    stems = _stems(cluster, workload)
    steps_back = stems.index(stem) if (stem := _stem(pod, workload)) in stems else 0
    return earlier(workload, steps_back)


def _current_cause(workload: WorkloadSetup) -> str:
    return rollouts(workload)[-1][1]


def _revision_note(revision: int, cause: str) -> Object:
    note: Object = {"deployment.kubernetes.io/revision": str(revision)}
    return note | ({"kubernetes.io/change-cause": cause} if cause else {})


def _replica_set_name(cluster: ClusterSetup, workload: WorkloadSetup, *, revision: int) -> str:
    # It is written in the names of its pods: cartservice-<hash>-<pod>.
    stems, steps_back = _stems(cluster, workload), workload.revision - revision
    if steps_back < len(stems):
        return stems[steps_back]
    return revision_name(workload, revision)


def _stems(cluster: ClusterSetup, workload: WorkloadSetup) -> list[str]:
    """The replica sets that have pods, the newest first: several while a roll-out is under way."""
    own = [pod for pod in cluster.pods if pod.workload == workload.name]
    stems = [_stem(pod.name, workload) for pod in sorted(own, key=lambda pod: pod.age)]
    return list(dict.fromkeys(filter(None, stems)))


def _stem(pod: str, workload: WorkloadSetup) -> str:
    stem = pod.rpartition("-")[0]
    return stem if stem.startswith(f"{workload.name}-") else ""


def _pods_of(cluster: ClusterSetup, replica_set: str) -> list[PodSetup]:
    return [pod for pod in cluster.pods if pod.name.rpartition("-")[0] == replica_set]


def owner_of(kind: str, name: str, *, namespace: str) -> Object:
    """A reference to the object that owns another one."""
    return {
        "apiVersion": _VERSIONS.get(kind, "apps/v1"),
        "kind": kind,
        "name": name,
        "uid": uid(kind, namespace, name=name),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _ready(count: int) -> Object:
    # The real API leaves a count of zero out.
    return {"readyReplicas": count, "availableReplicas": count} if count else {}


def _ready_count(workload: WorkloadSetup) -> int:
    return min(workload.ready, workload.replicas)


def _ready_in(cluster: ClusterSetup, workload: WorkloadSetup, *, replica_set: str) -> Object:
    if len(_stems(cluster, workload)) < 2:
        return _ready(_ready_count(workload))
    return _ready(sum(pod.ready for pod in _pods_of(cluster, replica_set)))


def _stateful_status(workload: WorkloadSetup) -> Object:
    newest = revision_name(workload, workload.revision)
    status: Object = {
        "currentRevision": newest,
        "updateRevision": newest,
        "observedGeneration": workload.revision,
        "replicas": workload.replicas,
        "currentReplicas": workload.replicas,
        "updatedReplicas": workload.replicas,
        "collisionCount": 0,
        "availableReplicas": 0,
    }
    return status | _ready(_ready_count(workload))


def _deployment_status(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    newest = _replica_set_name(cluster, workload, revision=workload.revision)
    under_way = len(_stems(cluster, workload)) > 1
    own = [pod for pod in cluster.pods if pod.workload == workload.name]
    total = len(own) if under_way else workload.replicas
    updated = len(_pods_of(cluster, newest)) if under_way else total
    ready = sum(pod.ready for pod in own) if under_way else _ready_count(workload)
    status: Object = {"observedGeneration": workload.revision}
    if total:
        status |= {"replicas": total, "updatedReplicas": updated}
    status |= _ready(ready)
    if total > ready:
        status["unavailableReplicas"] = total - ready
    # At most a quarter of the replicas may be away: the roll-out strategy above.
    enough = (workload.replicas - ready) * 4 <= workload.replicas
    progress = _progress(newest, under_way=under_way, changed=workload.changed, now=now)
    status["conditions"] = _conditions(progress, now - workload.changed, enough=enough)
    return status


def _progress(replica_set: str, *, under_way: bool, changed: timedelta, now: datetime) -> Object:
    since = now - changed
    if not under_way:
        reason, words = "NewReplicaSetAvailable", "has successfully progressed."
    elif changed > _PROGRESS_DEADLINE:
        since += _PROGRESS_DEADLINE
        reason, words = "ProgressDeadlineExceeded", "has timed out progressing."
    else:
        reason, words = "ReplicaSetUpdated", "is progressing."
    status = "False" if reason == "ProgressDeadlineExceeded" else "True"
    message = f'ReplicaSet "{replica_set}" {words}'
    found: Object = {"type": "Progressing", "status": status, "reason": reason}
    return found | {"message": message} | _changed(since)


def _conditions(progress: Object, changed_at: datetime, *, enough: bool) -> list[Object]:
    available: Object = {
        "type": "Available",
        "status": "True" if enough else "False",
        "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        "message": "Deployment has minimum availability."
        if enough
        else "Deployment does not have minimum availability.",
    }
    return [available | _changed(changed_at), progress]


def _changed(at: datetime) -> Object:
    return {"lastUpdateTime": stamp(at), "lastTransitionTime": stamp(at)}
