"""Which program wrote a batch of log lines: its own fields say it, else stream and group. Pure."""

import re
from collections.abc import Iterable

from services.ingest.fields import Document, first, part

_NAMES = (
    "service",
    "service.name",
    "service_name",
    "servicename",
    "resource.service.name",
    "app",
    "application",
    "app_name",
    "appname",
    "function_name",
    "functionname",
)
_LABELS = ("app.kubernetes.io/name", "app", "k8s-app", "service")
_POD_HASHES = re.compile(
    r"-[a-f0-9]{6,10}-[a-z0-9]{5}$|-[bcdfghjklmnpqrstvwxz2456789]{5}$|-\d{1,4}$"
)
_CONTAINER_STREAM = re.compile(
    r"(?:^|containers\.)(?P<pod>[a-z0-9][a-z0-9.-]*)_[a-z0-9-]+_(?P<container>[a-z0-9.-]+?)"
    r"-[0-9a-f]{12,64}(?:\.log)?$"
)
_DATABASE = re.compile(
    r"^/aws/(?:rds/(?:instance|cluster|proxy)|docdb|neptune)/(?P<name>[^/]+)(?:/|$)"
)
_CONTROL_PLANE = re.compile(r"^(?P<name>[a-z][a-z-]+?)(?:-[0-9a-f]{32})$")
_UNIT = re.compile(r"-dataplane\.systemd\.(?P<name>[\w@-]+)\.service$")
_ECS_STREAM = re.compile(r"^(?P<prefix>[^/]+)/(?P<container>[^/]+)/[0-9a-f-]{16,}$")
_POD_STREAM = re.compile(r"^[a-z0-9.-]+-[a-f0-9]{6,10}-[a-z0-9]{5}$")
_TELLS_NOTHING = re.compile(
    r"aws|eks|ecs|lambda|containerinsights|application|applications|host|dataplane|performance|"
    r"cluster|containers?|logs?|prod|production|stage|staging|dev|test|var|stdout|stderr|app|svc|"
    r"default|i-[0-9a-f]+|[\d/.:-]+|\[.*",
    re.IGNORECASE,
)


def service_in(fields: Document, *, group: str, stream: str) -> str:
    """The service's name as far as anything tells; the group's name where nothing does."""
    own = first(fields.get(name) for name in _NAMES if isinstance(fields.get(name), str))
    pod = pod_in(fields, stream=stream)
    found = own or _of_aws(group, stream) or _of_kubernetes(fields) or _without_hashes(pod)
    if not found and (ecs := _ECS_STREAM.match(stream)):
        found = ecs["container"]
    return found or _of_path(group) or _of_path(stream) or _of_logger(fields) or group


def pod_in(fields: Document, *, stream: str) -> str:
    """The pod that wrote it, where fields or the stream name one."""
    named = first(fields.get(name) for name in ("kubernetes.pod_name", "k8s.pod.name", "pod"))
    if not named and (held := _CONTAINER_STREAM.search(stream)):
        return held["pod"]
    return named or (stream if _POD_STREAM.match(stream) else "")


def _of_kubernetes(fields: Document) -> str:
    labels = part(fields.get("kubernetes.labels"))
    return first(labels.get(name) for name in _LABELS)


def _of_aws(group: str, stream: str) -> str:
    """The database, the part of a cluster's control plane, or the unit of a node."""
    if database := _DATABASE.match(group):
        return database["name"]
    named = _CONTROL_PLANE.match(stream) if group.startswith("/aws/eks/") else _UNIT.search(stream)
    return named["name"] if named else ""


def _of_path(path: str) -> str:
    """The last part of a group's or stream's name that says more than where it stands."""
    told: Iterable[str] = (piece for piece in reversed(path.split("/")) if piece)
    return next((piece for piece in told if not _TELLS_NOTHING.fullmatch(piece)), "")


def _of_logger(fields: Document) -> str:
    """Of loggers, pino and bunyan name the program beside its process and host."""
    return first([fields.get("name")]) if {"pid", "hostname"} <= set(fields) else ""


def _without_hashes(pod: str) -> str:
    return _POD_HASHES.sub("", pod, count=1)
