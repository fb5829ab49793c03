"""Alertmanager's webhook, version 4: each alert of a group is raised or recovered. Pure.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config names the fields. What is
of another version or holds no alerts is rejected whole. An alert that cannot be read takes no other
one with it: Alertmanager gives up on a group that is refused. Fields that are not known are left
alone.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from pydantic import ValidationError

from bus.errors import Rejected
from bus.events import Alarm
from services.ingest.fields import Document, cut, first, labels_of, moment, name_of, part, text
from services.ingest.progress import Step, no_step
from services.ingest.severity import grade_of
from services.ingest.trigger import Found, Ignored, Raised, Recovered, Unreadable
from services.ingest.wrapping import cleaned, remembering

_OF_GROUP = ("receiver", "externalURL", "truncatedAlerts")
_OF_ALERT = ("status", "labels", "startsAt", "endsAt", "generatorURL")
_SAYING = ("summary", "message", "description")
_ANNOTATIONS = (*_SAYING, "runbook_url")
_OF_REPLICA = re.compile(r"-(?:\d{1,3}|[a-f0-9]{6,10}-[a-z0-9]{5})(?=\.|$)")
"""What tells one replica of an Alertmanager from another: a number, or a pod's hashes."""


def read(
    group: object, *, clean: Callable[[str], str], step: Step = no_step
) -> list[Found | Unreadable]:
    """What each alert means, in the order of the group; every text in it went through `clean`.

    Behind them, once for each reason, what is wrong with those that cannot be read. Raises Rejected
    with a reason when it is no payload of version 4.
    """
    held, clean = part(group), remembering(clean)
    alerts = held.get("alerts")
    if text(held.get("version")) != "4":
        raise Rejected("not Alertmanager's webhook payload: its `version` is not 4")
    if not isinstance(alerts, list) or not alerts:
        raise Rejected("not Alertmanager's webhook payload: it holds no `alerts`")
    head = part(cleaned(_only(_OF_GROUP, held), clean))
    found: list[Found | Unreadable] = []
    broken: Counter[str] = Counter()
    for alert in alerts:
        step()
        try:
            found.append(_meaning(part(cleaned(_read_of(part(alert)), clean)), head))
        except Rejected as error:
            broken[str(error)] += 1
        except ValidationError as error:
            broken[f"an alert of the group: {error.errors()[0]['msg']}"] += 1
    return found + [Unreadable(f"{why} ({n} of {len(alerts)})") for why, n in broken.items()]


def looks_like(document: Document) -> bool:
    """Whether a document, wherever it came from, is meant as such a payload, of any version."""
    return isinstance(document.get("alerts"), list) and {"receiver", "version"} <= set(document)


def _only(names: Iterable[str], held: Document) -> Document:
    return {name: held[name] for name in names if name in held}


def _read_of(alert: Document) -> Document:
    """What of an alert is read: the rest need not be cleaned, which takes its time."""
    annotations = _only(_ANNOTATIONS, part(alert.get("annotations")))
    return {**_only(_OF_ALERT, alert), "annotations": annotations}


def _meaning(alert: Document, group: Document) -> Found:
    status = alert.get("status")
    if status not in ("firing", "resolved"):
        raise Rejected("an alert of the group is neither firing nor resolved")
    alarm = _alarm(alert, group)
    severity = first([alarm.labels.get("severity"), alarm.labels.get("priority")]).strip().lower()
    if severity == "none":
        return Ignored(f"{alarm.name} has severity none: a sign of life, nothing is wrong")
    if status == "resolved":
        return Recovered(alarm, kind="alertmanager")
    return Raised(
        alarm,
        kind="alertmanager",
        source=f"alertmanager {alarm.account}",
        severity=grade_of(severity),
    )


def _alarm(alert: Document, group: Document) -> Alarm:
    given = {text(name): cut(value) for name, value in part(alert.get("labels")).items()}
    labels = {name: value for name, value in given.items() if name and value}
    if not labels:
        raise Rejected("an alert of the group has no labels")
    annotations = part(alert.get("annotations"))
    said = first(annotations.get(name) for name in _SAYING)
    # Its end is when it was over; while it fires, that is the year 1 or a moment to come.
    changed = "startsAt" if alert["status"] == "firing" else "endsAt"
    return Alarm(
        name=name_of(labels.get("alertname") or _listed(labels)),
        description=cut(annotations.get("description")),
        reason=cut(f"{said[:1800]}{_left_out(group)}"),
        account=_account(group),
        region=first([labels.get("cluster"), labels.get("region")]) or "alertmanager",
        changed_at=moment(alert.get(changed)),
        labels=labels_of(
            labels,
            generator_url=alert.get("generatorURL"),
            runbook_url=annotations.get("runbook_url"),
        ),
    )


def _listed(labels: Mapping[str, str]) -> str:
    """A name for an alert without one: its labels, which are what makes it unlike others."""
    return "{" + ", ".join(f'{name}="{labels[name]}"' for name in sorted(labels)) + "}"


def _left_out(group: Document) -> str:
    count = group.get("truncatedAlerts")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        return ""
    return f" (Alertmanager left {count} more alerts of this group out of its message)"


def _account(group: Document) -> str:
    """Which Alertmanager it was: its address without the replica, else its receiver.

    All replicas of one tell the same alerts.
    """
    try:
        host = urlsplit(text(group.get("externalURL"))).hostname or ""
    except ValueError:
        host = ""
    first_part, dot, rest = host.partition(".")
    host = _OF_REPLICA.sub("", first_part) + dot + rest
    return host[:200] or cut(group.get("receiver")) or "alertmanager"
