"""The revisions of a workload's pod template, and what changed between the last two."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.toolrunner.remarks import Remark
from services.toolrunner.servers.rows import (
    Fields,
    each,
    inside,
    noted,
    number,
    one_line,
    row,
    text,
)
from services.toolrunner.servers.versions import deployed
from services.toolrunner.servers.workload import images_of

MAX_CHANGES = 80
MAX_VALUE = 400
_REVISION = "deployment.kubernetes.io/revision"
_HISTORY = "deployment.kubernetes.io/revision-history"
_CAUSE = "kubernetes.io/change-cause"
_OWN_LABELS = {"pod-template-hash", "controller-revision-hash"}


@dataclass(frozen=True)
class Revision:
    """One revision: its number, the object that keeps it, and the pod template in it."""

    number: int
    kept_in: Fields
    template: Fields


def revisions_of(owner: Fields, kept: list[Fields]) -> list[Revision]:
    """The revisions that ReplicaSets or ControllerRevisions keep of a workload, newest first."""
    uid = text(owner, "metadata.uid")
    own = [item for item in kept if uid in map(_uid, each(item, "metadata.ownerReferences"))]
    found = [
        Revision(number(item, "revision"), item, inside(item, "data.spec.template"))
        if "revision" in item
        else Revision(_noted(item), item, inside(item, "spec.template"))
        for item in own
    ]
    return sorted(found, key=lambda revision: -revision.number)


def history_rows(owner: Fields, revisions: list[Revision]) -> Iterator[str]:
    """A row for each revision, newest first, then what the newest changed."""
    for place, revision in enumerate(revisions):
        item = revision.kept_in
        images = images_of(revision.template)
        pods = number(item, "status.replicas")
        yield row(
            f"revision {revision.number}",
            *(["current"] if place == 0 else []),
            *(["still running"] if _is_left(owner, revision, newest=place == 0) else []),
            created=text(item, "metadata.creationTimestamp"),
            ready=f"{number(item, 'status.readyReplicas')}/{pods}" if pods else None,
            was_also=noted(item, "metadata.annotations", name=_HISTORY),
            image=",".join(images),
            **deployed([revision.template, item], images),
            cause=noted(item, "metadata.annotations", name=_CAUSE),
            kept_in=text(item, "metadata.name"),
        )
    if len(revisions) < 2:
        yield Remark("no earlier revision is kept, so what changed cannot be told")
    else:
        yield from _change_rows(revisions[1], revisions[0])


def flat(value: object, path: str = "") -> dict[str, str]:
    """A pod template as one text for each path; lists are entered by the names in them.

    An environment variable from a secret or a config map is its reference: its value is not here.
    """
    if isinstance(value, Mapping) and value:
        if set(value) == {"value"}:
            return {path: str(value["value"])}
        inner = {f"{path}.{name}" if path else str(name): value[name] for name in value}
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        inner = {f"{path}.{name}": item for name, item in _named(value).items()}
    else:
        return {path: value if isinstance(value, str) else json.dumps(value, sort_keys=True)}
    return {at: found for where, part in inner.items() for at, found in flat(part, where).items()}


def _named(items: list[object]) -> dict[str, object]:
    """The items by their names, without these; by their places where names do not tell them."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if None in names or len(set(names)) < len(names):
        return {str(place): item for place, item in enumerate(items)}
    return {
        str(item["name"]): {key: inner for key, inner in item.items() if key != "name"}
        for item in items
        if isinstance(item, Mapping)
    }


def _change_rows(before: Revision, after: Revision) -> Iterator[str]:
    old, new = flat(_comparable(before.template)), flat(_comparable(after.template))
    changed = [path for path in sorted({*old, *new}) if old.get(path) != new.get(path)]
    if not changed:
        yield f"revision {after.number} has the pod template of revision {before.number}"
    for path in changed[:MAX_CHANGES]:
        yield f"revision {before.number} {_value(old, path)}"
        yield f"revision {after.number} {_value(new, path)}"
    if len(changed) > MAX_CHANGES:
        yield Remark(f"and {len(changed) - MAX_CHANGES} more differences, not shown")


def _value(values: Mapping[str, str], path: str) -> str:
    if path not in values:
        return f"has no {path}"
    value = values[path]
    cut = f"{value[:MAX_VALUE]}…" if len(value) > MAX_VALUE else value
    return f"has {path}={one_line(cut)}"


def _comparable(template: Fields) -> dict[str, object]:
    head = inside(template, "metadata")
    labels = inside(head, "labels")
    own = {name: value for name, value in labels.items() if name not in _OWN_LABELS}
    return {"annotations": inside(head, "annotations"), "labels": own, **inside(template, "spec")}


def _is_left(owner: Fields, revision: Revision, *, newest: bool) -> bool:
    """Pods of an earlier revision are still wanted."""
    name = text(revision.kept_in, "metadata.name")
    running = text(owner, "status.currentRevision") == name or number(
        revision.kept_in, "status.replicas"
    )
    return bool(running) and not newest


def _noted(replica_set: Fields) -> int:
    value = noted(replica_set, "metadata.annotations", name=_REVISION)
    return int(value) if value.isdecimal() and len(value) < 12 else 0


def _uid(reference: Fields) -> str:
    return text(reference, "uid")
