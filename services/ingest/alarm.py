"""CloudWatch's state change, as received: an alarm, a recovery, or nothing to investigate.

Pure. CloudWatch tells the same change in two shapes: flat through SNS (`AlarmName`,
`NewStateValue`, `Trigger`), nested through EventBridge and Lambda (`detail` or
`alarmData` with state and configuration). Metric math and anomaly alarms have no single
metric, composite alarms none at all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bus.errors import Rejected
from bus.events import Alarm
from services.ingest.fields import (
    Document,
    cut,
    first,
    labels_of,
    moment,
    name_of,
    part,
    parts,
    text,
)
from services.ingest.likeness import LIKE_AN_ALARM, is_like_an_alarm
from services.ingest.trigger import Found, Ignored, Raised, Recovered
from services.ingest.wrapping import Unwrapped, cleaned, cleaned_text, only_one

STATE_CHANGE = "CloudWatch Alarm State Change"
OF_CONTRIBUTOR = "CloudWatch Alarm Contributor State Change"
"""One of the series behind an alarm over many; the alarm itself has its own changes."""
SOURCES = ("aws.cloudwatch", "aws.monitoring")


@dataclass(frozen=True)
class _Change:
    """Either shape of a state change, field by field."""

    name: object
    state: object
    alarm: Alarm
    suppressed_by: str = ""
    is_contributor: bool = False


def read(message: object, *, clean: Callable[[str], str]) -> Found:
    """What one message means, whatever wraps it; every text in it went through `clean`.

    Raises Rejected with a reason when it is an alarm that cannot be read.
    """
    found = only_one(message)
    return found if isinstance(found, Ignored) else read_unwrapped(found, clean=clean)


def read_unwrapped(found: Unwrapped, *, clean: Callable[[str], str]) -> Found:
    """The same for the innermost document of a message."""
    document = cleaned(found.document, clean)
    change = _change(part(document), cleaned_text(found.topic_arn, clean))
    return change if isinstance(change, Ignored) else _meaning(change)


def _meaning(change: _Change) -> Found:
    if not isinstance(change.name, str) or not change.name.strip():
        raise Rejected("the alarm has no name")
    if not isinstance(change.state, str) or not change.state:
        raise Rejected(f"the alarm {change.alarm.name!r} does not say its new state")
    match change.state:
        case "ALARM" if change.suppressed_by:
            return Ignored(
                f"the actions of {change.alarm.name} are suppressed by {change.suppressed_by}"
            )
        case "ALARM":
            return Raised(change.alarm, source=_source(change.alarm))
        case "OK" if change.is_contributor:
            return Ignored(f"a series of {change.alarm.name} is OK; the alarm tells its own end")
        case "OK":
            return Recovered(change.alarm)
        case "INSUFFICIENT_DATA":
            return Ignored(f"{change.alarm.name} has insufficient data")
    raise Rejected(f"the alarm {change.alarm.name!r} has an unknown state: {change.state[:40]!r}")


def _source(alarm: Alarm) -> str:
    return f"cloudwatch {alarm.account} {alarm.region}"


def _change(document: Document, topic_arn: str) -> _Change | Ignored:
    if "NewStateValue" in document or "AlarmName" in document:
        return _from_sns(document, topic_arn)
    if "alarmData" in document:
        return _from_event(document, document["alarmData"])
    if "detail-type" in document:
        return _from_eventbridge(document)
    if "alarmName" in document and "state" in document:
        # A rule's input path may pass on the detail alone.
        return _from_event({}, document)
    if is_like_an_alarm(document):
        raise Rejected(LIKE_AN_ALARM)
    return Ignored("not an alarm of CloudWatch")


def _from_eventbridge(document: Document) -> _Change | Ignored:
    kind, source = text(document["detail-type"]), text(document.get("source"))
    if source not in SOURCES or kind not in (STATE_CHANGE, OF_CONTRIBUTOR):
        return Ignored(f"an event of {source[:80] or 'an unnamed source'}: {kind[:80]}")
    return _from_event(document, document.get("detail"))


def _from_event(document: Document, detail: object) -> _Change:
    inner = part(detail)
    state = part(inner.get("state"))
    configuration = part(inner.get("configuration"))
    contributor = part(inner.get("alarmContributor"))
    resources = document.get("resources")
    arn = text(document.get("alarmArn")) or first(resources if isinstance(resources, list) else ())
    metrics = parts(configuration.get("metrics"))
    labels = labels_of(
        _dimensions(metrics) | _attributes(contributor),
        metric_namespace=first(_metric(metric).get("namespace") for metric in metrics),
        statistic=first(part(metric.get("metricStat")).get("stat") for metric in metrics),
        expression=first(metric.get("expression") for metric in metrics),
        alarm_rule=configuration.get("alarmRule"),
        previous_state=part(inner.get("previousState")).get("value"),
        contributor=contributor.get("id"),
    )
    return _Change(
        name=inner.get("alarmName"),
        state=state.get("value"),
        suppressed_by=_suppressed_by(state, inner),
        is_contributor=bool(contributor),
        alarm=Alarm(
            name=name_of(inner.get("alarmName")),
            description=cut(configuration.get("description")),
            reason=cut(state.get("reason")),
            arn=arn,
            account=cut(document.get("account") or document.get("accountId")) or _of_arn(arn, 4),
            region=cut(document.get("region")) or _of_arn(arn, 3),
            metric=first(_metric(metric).get("name") for metric in metrics),
            changed_at=moment(state.get("timestamp")) or moment(document.get("time")),
            labels=labels,
        ),
    )


def _suppressed_by(state: Document, detail: Document) -> str:
    """Who keeps the alarm's actions back: its suppressor, or a rule that mutes it for a time."""
    muted = part(detail.get("muteDetail"))
    return text(state.get("actionsSuppressedBy")) or text(muted.get("mutedByArn"))


def _attributes(contributor: Document) -> dict[str, str]:
    given = part(contributor.get("attributes"))
    return {name: cut(value) for name, value in given.items() if text(value)}


def _from_sns(document: Document, topic_arn: str) -> _Change:
    trigger = part(document.get("Trigger"))
    metrics = [trigger, *parts(trigger.get("Metrics"))]
    arn = text(document.get("AlarmArn"))
    contributor = {
        "id": document.get("AlarmContributorId"),
        "attributes": document.get("AlarmContributorAttributes"),
    }
    labels = labels_of(
        _dimensions(metrics) | _attributes(contributor),
        metric_namespace=first(_metric(metric).get("Namespace") for metric in metrics),
        statistic=first(trigger.get(name) for name in ("Statistic", "ExtendedStatistic")),
        expression=first(metric.get("Expression") for metric in metrics),
        alarm_rule=document.get("AlarmRule"),
        previous_state=document.get("OldStateValue"),
        threshold=trigger.get("Threshold"),
        comparison=trigger.get("ComparisonOperator"),
        log_query=document.get("QueryString"),
        contributor=contributor["id"],
    )
    # `Region` is a name for people here; an alarm's topic stands in the alarm's own region.
    region = _of_arn(arn, 3) or _of_arn(topic_arn, 3) or cut(document.get("Region"))
    return _Change(
        name=document.get("AlarmName"),
        state=document.get("NewStateValue"),
        suppressed_by=text(document.get("ActionsSuppressedBy")),
        is_contributor=bool(text(contributor["id"])),
        alarm=Alarm(
            name=name_of(document.get("AlarmName")),
            description=cut(document.get("AlarmDescription")),
            reason=cut(document.get("NewStateReason")),
            arn=arn,
            account=cut(document.get("AWSAccountId")) or _of_arn(arn, 4),
            region=region,
            metric=first(_metric(metric).get("MetricName") for metric in metrics),
            changed_at=moment(document.get("StateChangeTime")),
            labels=labels,
        ),
    )


def _metric(metric: Document) -> Document:
    """The metric itself: under `metricStat` in a list of metrics, in place in a trigger."""
    statistic = part(metric.get("metricStat") or metric.get("MetricStat"))
    return part(statistic.get("metric") or statistic.get("Metric")) or metric


def _dimensions(metrics: Iterable[Document]) -> dict[str, str]:
    """Dimensions by name: a mapping through EventBridge, a list of name and value through SNS."""
    found: dict[str, str] = {}
    for metric in metrics:
        inner = _metric(metric)
        given = inner.get("dimensions") or inner.get("Dimensions")
        pairs = given.items() if isinstance(given, dict) else map(_pair, parts(given))
        found |= {text(name): cut(value) for name, value in pairs if text(name)}
    return found


def _pair(dimension: Document) -> tuple[object, object]:
    lower = {name.lower(): value for name, value in dimension.items()}
    return lower.get("name"), lower.get("value")


def _of_arn(arn: str, place: int) -> str:
    pieces = arn.split(":")
    return cut(pieces[place]) if len(pieces) > place else ""
