"""Every workload of a namespace in a row: is it as wanted, how old, with which images."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from services.toolrunner.servers.rows import Fields, age, at, each, number, row, text
from services.toolrunner.servers.versions import deployed
from services.toolrunner.servers.workload import batch_facts, condition_row, images_of, template_of

_GOOD = {"Available", "Progressing", "Complete", "SuccessCriteriaMet"}


def overview_rows(found: Mapping[str, list[Fields]], now: datetime) -> Iterator[str]:
    """A row for each workload, by kind, and one for each condition that is not as it should be.

    Of the Jobs that a CronJob made, those that completed are only counted.
    """
    done = Counter(filter(None, map(_completed_for, found.get("Job", []))))
    for kind, items in found.items():
        for item in items:
            if kind != "Job" or not _completed_for(item):
                completed = done[text(item, "metadata.name")] if kind == "CronJob" else 0
                yield from _rows(kind, item, completed=completed, now=now)


def _rows(kind: str, item: Fields, *, completed: int, now: datetime) -> Iterator[str]:
    owner = f"{kind} {text(item, 'metadata.name')}"
    template = template_of(item)
    images = images_of(template)
    yield row(
        owner,
        **_counts(kind, item),
        **batch_facts(item),
        completed_jobs=completed or None,
        paused=at(item, "spec.paused") or None,
        age=age(text(item, "metadata.creationTimestamp"), now),
        rolled_out=_rolled_out(item, now),
        image=",".join(images),
        **deployed([template, item], images),
    )
    for condition in each(item, "status.conditions"):
        kind_of_it, holds = text(condition, "type"), condition.get("status") == "True"
        if holds != (kind_of_it in _GOOD):
            yield condition_row(owner, condition)


def _counts(kind: str, item: Fields) -> dict[str, str]:
    if kind in ("Job", "CronJob"):
        return {}
    wanted, ready, updated = "spec.replicas", "status.readyReplicas", "status.updatedReplicas"
    if kind == "DaemonSet":
        wanted, ready = "status.desiredNumberScheduled", "status.numberReady"
        updated = "status.updatedNumberScheduled"
    behind = number(item, updated) != number(item, wanted)
    return {
        "ready": f"{number(item, ready)}/{number(item, wanted)}",
        "updated": str(number(item, updated)) if behind else "",
    }


def _rolled_out(item: Fields, now: datetime) -> str:
    """How long ago a Deployment's roll-out last made progress."""
    for condition in each(item, "status.conditions"):
        if condition.get("type") == "Progressing":
            return age(text(condition, "lastUpdateTime"), now)
    return ""


def _completed_for(job: Fields) -> str:
    """The CronJob whose Job this is, if it completed."""
    owners = [owner for owner in each(job, "metadata.ownerReferences")]
    names = [text(owner, "name") for owner in owners if owner.get("kind") == "CronJob"]
    done = any(
        condition.get("type") == "Complete" and condition.get("status") == "True"
        for condition in each(job, "status.conditions")
    )
    return names[0] if names and done else ""
