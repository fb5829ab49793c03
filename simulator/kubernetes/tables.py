"""Lists as tables, which is how kubectl asks for them; what has no columns of its own has two."""

from datetime import UTC, datetime

from simulator.kubernetes.shapes import Object, dig

_PARTIAL = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
_AGE = "metadata.creationTimestamp"
_COLUMNS = {
    "pods": ("Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*"),
    "deployments": (
        "Name",
        "Ready",
        "Up-to-date",
        "Available",
        "Age",
        "Containers*",
        "Images*",
        "Selector*",
    ),
    "statefulsets": ("Name", "Ready", "Age", "Containers*", "Images*"),
    "replicasets": ("Name", "Desired", "Current", "Ready", "Age", "Containers*", "Images*"),
    "events": ("Last Seen", "Type", "Reason", "Object", "Message", "Source*", "Count*", "Name*"),
    "services": ("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*"),
}
_ANY_COLUMNS = ("Name", "Age")


def table(
    resource: str, items: list[Object], *, head: Object, now: datetime, include: str
) -> Object:
    """A `Table` of the items; `include` is Metadata, Object or None, as the query says it."""
    rows = []
    for item in items:
        row: Object = {"cells": _cells(resource, item, now=now)}
        if include == "Object":
            row["object"] = item
        elif include != "None":
            row["object"] = _PARTIAL | {"metadata": item["metadata"]}
        rows.append(row)
    columns = [_column(name) for name in _columns(resource, items)]
    answer: Object = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": head}
    return answer | {"columnDefinitions": columns, "rows": rows}


def _columns(resource: str, items: list[Object]) -> tuple[str, ...]:
    if any(item.get("kind") == "PodMetrics" for item in items):
        return _ANY_COLUMNS
    return _COLUMNS.get(resource, _ANY_COLUMNS)


def _column(name: str) -> Object:
    wide = name.endswith("*")
    title = name.rstrip("*")
    counts = {"Up-to-date", "Available", "Desired", "Current", "Count"}
    return {
        "name": title,
        "type": "integer" if title in counts else "string",
        "format": "name" if title == "Name" else "",
        "description": title,
        "priority": 1 if wide else 0,
    }


def _cells(resource: str, item: Object, *, now: datetime) -> list[object]:
    age = _age(dig(item, _AGE), now)
    if resource == "pods" and item.get("kind") != "PodMetrics":
        return _pod_cells(item, age, now=now)
    if resource == "events":
        return _event_cells(item, now)
    if resource in ("deployments", "statefulsets", "replicasets"):
        return _workload_cells(resource, item, age=age)
    return _plain_cells(resource, item, age=age)


def _plain_cells(resource: str, item: Object, *, age: str) -> list[object]:
    name = dig(item, "metadata.name")
    if resource != "services":
        return [name, age]
    ports = ",".join(
        f"{dig(port, 'port')}/{dig(port, 'protocol')}" for port in _list(dig(item, "spec.ports"))
    )
    kind, address = dig(item, "spec.type"), dig(item, "spec.clusterIP")
    return [name, kind, address, "<none>", ports, age, _pairs(dig(item, "spec.selector"))]


def _workload_cells(resource: str, item: Object, *, age: str) -> list[object]:
    name = dig(item, "metadata.name")
    ready, wanted = _count(item, "status.readyReplicas"), _count(item, "spec.replicas")
    containers = _list(dig(item, "spec.template.spec.containers"))
    names = ",".join(str(dig(container, "name")) for container in containers)
    images = ",".join(str(dig(container, "image")) for container in containers)
    if resource == "replicasets":
        return [name, wanted, _count(item, "status.replicas"), ready, age, names, images]
    if resource == "statefulsets":
        return [name, f"{ready}/{wanted}", age, names, images]
    updated, available = (_count(item, f"status.{key}Replicas") for key in ("updated", "available"))
    selector = _pairs(dig(item, "spec.selector.matchLabels"))
    return [name, f"{ready}/{wanted}", updated, available, age, names, images, selector]


def _pod_cells(item: Object, age: str, *, now: datetime) -> list[object]:
    statuses = _list(dig(item, "status.containerStatuses"))
    ready = sum(dig(status, "ready") is True for status in statuses)
    restarts = sum(_count(status, "restartCount") for status in statuses)
    status = str(dig(item, "status.phase"))
    ended_at: object = None
    for container in reversed(statuses):
        reason = dig(container, "state.waiting.reason") or dig(container, "state.terminated.reason")
        status = str(reason or status)
        ended_at = dig(container, "lastState.terminated.finishedAt") or ended_at
    shown = f"{restarts} ({_age(ended_at, now)} ago)" if restarts and ended_at else f"{restarts}"
    place = [dig(item, "status.podIP"), dig(item, "spec.nodeName")]
    return [dig(item, "metadata.name"), f"{ready}/{len(statuses)}", status, shown, age, *place]


def _event_cells(item: Object, now: datetime) -> list[object]:
    kind = str(dig(item, "involvedObject.kind")).lower()
    return [
        _age(item["lastTimestamp"], now),
        item["type"],
        item["reason"],
        f"{kind}/{dig(item, 'involvedObject.name')}",
        item["message"],
        dig(item, "source.component"),
        item["count"],
        dig(item, "metadata.name"),
    ]


def _age(created: object, now: datetime) -> str:
    if not isinstance(created, str):
        return "<unknown>"
    created_at = datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    seconds = max(0, int((now - created_at).total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 3 * 3600:
        return f"{seconds // 60}m"
    if seconds < 48 * 3600:
        return f"{seconds // 3600}h"
    return f"{seconds // 86400}d"


def _count(item: object, path: str) -> int:
    value = dig(item, path)
    return value if isinstance(value, int) else 0


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _pairs(labels: object) -> str:
    pairs = labels.items() if isinstance(labels, dict) else []
    return ",".join(f"{name}={value}" for name, value in pairs)
