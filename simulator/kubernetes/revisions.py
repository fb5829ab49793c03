"""ControllerRevisions, DaemonSets, CronJobs and Jobs, from the same setups as Deployments."""

from datetime import datetime, timedelta

from simulator.kubernetes.shapes import Object, metadata, stamp, uid
from simulator.kubernetes.templates import (
    container_of,
    earlier,
    revision_name,
    rollouts,
    template,
)
from simulator.kubernetes.workloads import owner_of
from simulator.scenario import ClusterSetup, WorkloadSetup

_FIRST_AGE = timedelta(days=90)
_RAN = timedelta(seconds=40)


def controller_revisions(
    cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime
) -> list[Object]:
    """One for each roll-out that is kept, the pod template in it as a patch."""
    known, found = rollouts(workload), []
    for steps_back in range(len(known)):
        revision = workload.revision - steps_back
        name = revision_name(workload, revision)
        created_at = now - workload.changed - timedelta(days=7) * steps_back
        head = metadata(
            "ControllerRevision", name, namespace=cluster.namespace, created_at=created_at
        )
        head["labels"] = {
            "app": workload.name,
            "controller-revision-hash": name.removeprefix(f"{workload.name}-"),
        }
        head["ownerReferences"] = [
            owner_of(workload.kind, workload.name, namespace=cluster.namespace)
        ]
        shown = template(earlier(workload, steps_back), container_of(cluster, workload))
        patch = {"spec": {"template": shown | {"$patch": "replace"}}}
        found.append({"metadata": head, "data": patch, "revision": revision})
    return found


def daemon_set(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    """The DaemonSet: as many pods are wanted as it has replicas, one on each node."""
    head = _head(cluster, workload, now=now)
    ready = min(workload.ready, workload.replicas)
    status: Object = {
        "currentNumberScheduled": workload.replicas,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": workload.replicas,
        "numberReady": ready,
        "observedGeneration": workload.revision,
        "updatedNumberScheduled": workload.replicas,
    }
    if ready:
        status["numberAvailable"] = ready
    if ready < workload.replicas:
        status["numberUnavailable"] = workload.replicas - ready
    spec = {
        "selector": {"matchLabels": {"app": workload.name}},
        "template": template(workload, container_of(cluster, workload)),
        "updateStrategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
        },
        "revisionHistoryLimit": 10,
    }
    return {"metadata": head, "spec": spec, "status": status}


def cron_job(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    """The CronJob; its last Job was made when the workload last changed."""
    at = now - workload.changed
    spec: Object = {
        "schedule": workload.schedule,
        "concurrencyPolicy": "Forbid",
        "suspend": False,
        "jobTemplate": {"metadata": {}, "spec": _job_spec(cluster, workload)},
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    status: Object = {"lastScheduleTime": stamp(at)}
    if not workload.failed:
        status["lastSuccessfulTime"] = stamp(at + _RAN)
    return {"metadata": _head(cluster, workload, now=now), "spec": spec, "status": status}


def job(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    """A Job, or the last one of a CronJob: complete, or failed where pods of it failed."""
    started_at = now - workload.changed
    name = workload.name
    of_cron_job = workload.kind == "CronJob"
    if of_cron_job:
        name = f"{name}-{uid('Job', cluster.namespace, name=name)[:8]}"
    head = metadata("Job", name, namespace=cluster.namespace, created_at=started_at)
    labels = {
        "app": workload.name,
        "batch.kubernetes.io/job-name": name,
        "batch.kubernetes.io/controller-uid": str(head["uid"]),
    }
    head["labels"] = labels
    if of_cron_job:
        reference = owner_of("CronJob", workload.name, namespace=cluster.namespace)
        head["ownerReferences"] = [reference]
    spec = _job_spec(cluster, workload) | {
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": head["uid"]}},
        "suspend": False,
    }
    status = _job_status(workload, started_at)
    return {"metadata": head, "spec": spec, "status": status}


def _job_status(workload: WorkloadSetup, started_at: datetime) -> Object:
    ended_at = stamp(started_at + _RAN)
    status: Object = {"startTime": stamp(started_at), "ready": 0}
    condition: Object = {
        "status": "True",
        "lastProbeTime": ended_at,
        "lastTransitionTime": ended_at,
    }
    if workload.failed:
        why = {
            "reason": "BackoffLimitExceeded",
            "message": "Job has reached the specified backoff limit",
        }
        status["failed"] = workload.failed
        status["conditions"] = [condition | {"type": "Failed"} | why]
        return status
    status |= {"succeeded": 1, "completionTime": ended_at}
    status["conditions"] = [condition | {"type": "Complete"}]
    return status


def _job_spec(cluster: ClusterSetup, workload: WorkloadSetup) -> Object:
    return {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "template": template(workload, container_of(cluster, workload)),
    }


def _head(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    created_at = now - max(_FIRST_AGE, workload.changed)
    head = metadata(
        workload.kind, workload.name, namespace=cluster.namespace, created_at=created_at
    )
    return head | {"labels": {"app": workload.name}, "generation": workload.revision}
