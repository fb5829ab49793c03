"""Pods, workloads and events, as the Kubernetes API gives them, as rows."""

import json
from collections.abc import Iterator

from services.toolrunner.servers.rows import Fields, at, each, inside, pairs, row, text, words
from services.toolrunner.servers.versions import commit_in, deployed

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def pod_rows(pod: Fields) -> Iterator[str]:
    """A row for the pod, one for each failed condition and each container that is not all well."""
    name = text(pod, "metadata.name")
    containers = each(pod, "status.containerStatuses")
    images = [text(container, "image") for container in each(pod, "spec.containers")]
    ready = sum(1 for container in containers if container.get("ready") is True)
    yield row(
        f"pod {name}",
        phase=at(pod, "status.phase"),
        reason=at(pod, "status.reason"),
        ready=f"{ready}/{len(each(pod, 'spec.containers'))}",
        restarts=sum(int(text(container, "restartCount") or 0) for container in containers),
        node=at(pod, "spec.nodeName"),
        started=at(pod, "status.startTime"),
        deleted=at(pod, "metadata.deletionTimestamp"),
        image=",".join(images),
        **deployed([pod], images),
        message=text(pod, "status.message"),
    )
    for condition in each(pod, "status.conditions"):
        if condition.get("status") != "True" and condition.get("reason") != "PodCompleted":
            yield condition_row(f"pod {name}", condition)
    for container in [*each(pod, "status.initContainerStatuses"), *containers]:
        if not _is_well(container):
            yield _container_state_row(name, container)


def workload_rows(kind: str, found: Fields) -> Iterator[str]:
    """A row for the workload, then its conditions, annotations, containers and volumes."""
    owner = f"{kind} {text(found, 'metadata.name')}"
    status = inside(found, "status")
    template = template_of(found)
    yield row(
        owner,
        **batch_facts(found),
        replicas=at(found, "spec.replicas"),
        desired=status.get("desiredNumberScheduled"),
        ready=status.get("readyReplicas", status.get("numberReady")),
        updated=status.get("updatedReplicas", status.get("updatedNumberScheduled")),
        available=status.get("availableReplicas", status.get("numberAvailable")),
        unavailable=status.get("unavailableReplicas", status.get("numberUnavailable")),
        generation=at(found, "metadata.generation"),
        observed=status.get("observedGeneration"),
        created=at(found, "metadata.creationTimestamp"),
        selector=pairs(inside(found, "spec.selector.matchLabels")),
        pod_labels=pairs(inside(template, "metadata.labels")),
        **deployed([template, found], images_of(template)),
    )
    for condition in each(found, "status.conditions"):
        yield condition_row(owner, condition)
    for name, value in sorted(inside(found, "metadata.annotations").items()):
        if name != _LAST_APPLIED:
            yield row(owner, "annotation", " ".join(f"{name}={value}".split()))
    yield from _template_rows(inside(template, "spec"))


def template_of(found: Fields) -> Fields:
    """The pod template of a workload of any kind."""
    return inside(found, "spec.jobTemplate.spec.template") or inside(found, "spec.template")


def images_of(template: Fields) -> list[str]:
    """The images of a pod template's containers."""
    return [text(container, "image") for container in each(template, "spec.containers")]


def batch_facts(found: Fields) -> dict[str, str]:
    """What only Jobs and CronJobs have."""
    active = at(found, "status.active")
    return {
        "schedule": text(found, "spec.schedule"),
        "suspend": "true" if at(found, "spec.suspend") else "",
        "completions": text(found, "spec.completions"),
        "succeeded": text(found, "status.succeeded"),
        "failed": text(found, "status.failed"),
        "backoff_limit": text(found, "spec.backoffLimit"),
        "active": str(len(active)) if isinstance(active, list) else text(found, "status.active"),
        "last_scheduled": text(found, "status.lastScheduleTime"),
        "last_success": text(found, "status.lastSuccessfulTime"),
        "completed": text(found, "status.completionTime"),
    }


def event_row(event: Fields) -> str:
    """One event: when it was last seen, about what, why, and how often since when if not once."""
    times = event.get("count") or at(event, "series.count")
    again = times not in (None, 1)
    return row(
        seen_at(event) or "-",
        text(event, "type") or "-",
        text(event, "reason") or "-",
        f"{text(event, 'involvedObject.kind')}/{text(event, 'involvedObject.name')}",
        count=times if again else None,
        first=event.get("firstTimestamp") if again else None,
        source=event.get("reportingComponent") or at(event, "source.component"),
        message=text(event, "message"),
    )


def seen_at(event: Fields) -> str:
    """When the event was last seen, as the API wrote it."""
    paths = (
        "series.lastObservedTime",
        "lastTimestamp",
        "eventTime",
        "metadata.creationTimestamp",
    )
    return next((found for path in paths if (found := text(event, path))), "")


def condition_row(owner: str, condition: Fields) -> str:
    """A condition of a pod, a workload or an autoscaler."""
    return row(
        owner,
        f"condition {text(condition, 'type')}={text(condition, 'status')}",
        reason=condition.get("reason"),
        since=condition.get("lastTransitionTime"),
        message=text(condition, "message"),
    )


def _is_well(container: Fields) -> bool:
    ended = at(container, "state.terminated.exitCode")
    steady = container.get("restartCount") in (0, None)
    return steady and (ended == 0 if ended is not None else container.get("ready") is True)


def _container_state_row(pod: str, container: Fields) -> str:
    state = next(iter(inside(container, "state")), "")
    now = inside(container, f"state.{state}")
    before = inside(container, "lastState.terminated")
    return row(
        f"container {text(container, 'name')} of pod {pod}",
        ready=container.get("ready"),
        restarts=container.get("restartCount"),
        state=state,
        reason=now.get("reason"),
        started=now.get("startedAt"),
        exit_code=now.get("exitCode"),
        finished=now.get("finishedAt"),
        last_reason=before.get("reason"),
        last_exit_code=before.get("exitCode"),
        last_finished=before.get("finishedAt"),
        image=container.get("image"),
        message=text(now, "message") or text(before, "message"),
    )


def _template_rows(spec: Fields) -> Iterator[str]:
    for container in [*each(spec, "initContainers"), *each(spec, "containers")]:
        yield from _container_rows(container)
    for volume in each(spec, "volumes"):
        source = {name: value for name, value in volume.items() if name != "name"}
        yield row(f"volume {text(volume, 'name')}", json.dumps(source, sort_keys=True))
    if account := text(spec, "serviceAccountName"):
        yield row(f"service account {account}")


def _container_rows(container: Fields) -> Iterator[str]:
    owner = f"container {text(container, 'name')}"
    yield row(
        owner,
        image=container.get("image"),
        image_commit=commit_in(text(container, "image")),
        ports=",".join(text(port, "containerPort") for port in each(container, "ports")),
        requests=pairs(inside(container, "resources.requests")),
        limits=pairs(inside(container, "resources.limits")),
        command=f"{words(container, 'command')} {words(container, 'args')}".strip(),
    )
    for kind in _PROBES:
        if probe := inside(container, kind):
            yield row(owner, kind, json.dumps(probe, sort_keys=True))
    for setting in each(container, "env"):
        yield row(owner, "env", f"{text(setting, 'name')}={_env_value(setting)}")
    for source in each(container, "envFrom"):
        yield row(owner, "env from", json.dumps(source, sort_keys=True))


def _env_value(setting: Fields) -> str:
    source = setting.get("valueFrom")
    return json.dumps(source, sort_keys=True) if source else text(setting, "value")
