"""The parts that every Kubernetes object has: metadata, identity, stamps."""

import uuid
from datetime import UTC, datetime

Object = dict[str, object]

_IDENTITIES = uuid.UUID("3b0c2f0e-6d0a-5d55-9a8e-2f6f2f3a9d11")


def uid(kind: str, namespace: str, *, name: str) -> str:
    """The object's uid: the same one every time the scenario is played."""
    return str(uuid.uuid5(_IDENTITIES, f"{kind}/{namespace}/{name}"))


def stamp(moment: datetime) -> str:
    """The moment in UTC in whole seconds, as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(kind: str, name: str, *, namespace: str, created_at: datetime) -> Object:
    """An object's metadata; `namespace` is empty for what belongs to the whole cluster."""
    head: Object = {"name": name}
    if namespace:
        head["namespace"] = namespace
    return head | {
        "uid": uid(kind, namespace, name=name),
        "resourceVersion": "1",
        "creationTimestamp": stamp(created_at),
    }


def dig(item: object, path: str) -> object:
    """What stands at a dotted path inside an object, or None."""
    for key in path.split("."):
        item = item.get(key) if isinstance(item, dict) else None
    return item
