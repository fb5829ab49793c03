"""CloudWatch's state change, as received: an alarm, a recovery, or nothing to investigate.

Pure. CloudWatch tells the same change in two shapes: flat through SNS (`AlarmName`,
`NewStateValue`, `Trigger`), nested through EventBridge and Lambda (`detail` or
`alarmData` with state and configuration). Metric math and anomaly alarms have no single
metric, composite alarms none at all.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bus.errors import Rejected
from bus.events import Alarm
from services.ingest.trigger import Found, Ignored, Raised, Recovered
from services.ingest.wrapping import Document, cleaned, unwrap

STATE_CHANGE = "CloudWatch Alarm State Change"
MAX_NAME_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 2000
MAX_LABELS = 40


@dataclass(frozen=True)
class _Change:
    """Either shape of a state change, field by field."""

    name: object
    state: object
    alarm: Alarm
    suppressed_by: str = ""


def read(message: object, *, clean: Callable[[str], str]) -> Found:
    """What a message from the queue means; every text in it went through `clean`.

    Raises Rejected with a reason when it is an alarm that cannot be read.
    """
    found = unwrap(message)
    if isinstance(found, Ignored):
        return found
    try:
        document = cleaned(found.document, clean)
    except RecursionError:
        raise Rejected("the body is nested too deeply to be read") from None
    change = _change(_part(document), found.topic_arn)
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
    return Ignored("not an alarm of CloudWatch")


def _from_eventbridge(document: Document) -> _Change | Ignored:
    kind, source = _text(document["detail-type"]), _text(document.get("source"))
    if source != "aws.cloudwatch" or kind != STATE_CHANGE:
        return Ignored(f"an event of {source[:80] or 'an unnamed source'}: {kind[:80]}")
    return _from_event(document, document.get("detail"))


def _from_event(document: Document, detail: object) -> _Change:
    inner = _part(detail)
    state = _part(inner.get("state"))
    configuration = _part(inner.get("configuration"))
    resources = document.get("resources")
    first = resources[0] if isinstance(resources, list) and resources else ""
    arn = _text(document.get("alarmArn") or first)
    metrics = _parts(configuration.get("metrics"))
    labels = _labels(
        _dimensions(metrics),
        metric_namespace=_first(_metric(metric).get("namespace") for metric in metrics),
        statistic=_first(_part(metric.get("metricStat")).get("stat") for metric in metrics),
        expression=_first(metric.get("expression") for metric in metrics),
        alarm_rule=configuration.get("alarmRule"),
        previous_state=_part(inner.get("previousState")).get("value"),
    )
    return _Change(
        name=inner.get("alarmName"),
        state=state.get("value"),
        suppressed_by=_text(state.get("actionsSuppressedBy")),
        alarm=Alarm(
            name=_name(inner.get("alarmName")),
            description=_cut(configuration.get("description")),
            reason=_cut(state.get("reason")),
            arn=arn,
            account=_text(document.get("account") or document.get("accountId")) or _of_arn(arn, 4),
            region=_text(document.get("region")) or _of_arn(arn, 3),
            metric=_first(_metric(metric).get("name") for metric in metrics),
            changed_at=_moment(state.get("timestamp")) or _moment(document.get("time")),
            labels=labels,
        ),
    )


def _from_sns(document: Document, topic_arn: str) -> _Change:
    trigger = _part(document.get("Trigger"))
    metrics = [trigger, *_parts(trigger.get("Metrics"))]
    arn = _text(document.get("AlarmArn"))
    labels = _labels(
        _dimensions(metrics),
        metric_namespace=_first(_metric(metric).get("Namespace") for metric in metrics),
        statistic=_first(trigger.get(name) for name in ("Statistic", "ExtendedStatistic")),
        expression=_first(metric.get("Expression") for metric in metrics),
        alarm_rule=document.get("AlarmRule"),
        previous_state=document.get("OldStateValue"),
        threshold=trigger.get("Threshold"),
        comparison=trigger.get("ComparisonOperator"),
    )
    # `Region` is a name for people here; an alarm's topic stands in the alarm's own region.
    region = _of_arn(arn, 3) or _of_arn(topic_arn, 3) or _text(document.get("Region"))
    return _Change(
        name=document.get("AlarmName"),
        state=document.get("NewStateValue"),
        suppressed_by=_text(document.get("ActionsSuppressedBy")),
        alarm=Alarm(
            name=_name(document.get("AlarmName")),
            description=_cut(document.get("AlarmDescription")),
            reason=_cut(document.get("NewStateReason")),
            arn=arn,
            account=_text(document.get("AWSAccountId")) or _of_arn(arn, 4),
            region=region,
            metric=_first(_metric(metric).get("MetricName") for metric in metrics),
            changed_at=_moment(document.get("StateChangeTime")),
            labels=labels,
        ),
    )


def _metric(metric: Document) -> Document:
    """The metric itself: under `metricStat` in a list of metrics, in place in a trigger."""
    statistic = _part(metric.get("metricStat") or metric.get("MetricStat"))
    return _part(statistic.get("metric") or statistic.get("Metric")) or metric


def _dimensions(metrics: Iterable[Document]) -> dict[str, str]:
    """Dimensions by name: a mapping through EventBridge, a list of name and value through SNS."""
    found: dict[str, str] = {}
    for metric in metrics:
        inner = _metric(metric)
        given = inner.get("dimensions") or inner.get("Dimensions")
        pairs = given.items() if isinstance(given, dict) else map(_pair, _parts(given))
        found |= {_text(name): _cut(value) for name, value in pairs if _text(name)}
    return found


def _pair(dimension: Document) -> tuple[object, object]:
    lower = {name.lower(): value for name, value in dimension.items()}
    return lower.get("name"), lower.get("value")


def _labels(dimensions: Mapping[str, str], **described: object) -> dict[str, str]:
    named = {name: _cut(value) for name, value in described.items() if _text(value)}
    return dict(list((dict(dimensions) | named).items())[:MAX_LABELS])


def _first(values: Iterable[object]) -> str:
    return next((_cut(value) for value in values if _text(value)), "")


def _part(value: object) -> Document:
    return value if isinstance(value, dict) else {}


def _parts(value: object) -> list[Document]:
    return [_part(inner) for inner in value] if isinstance(value, list) else []


def _text(value: object) -> str:
    """Texts and figures as text; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def _cut(value: object) -> str:
    text = _text(value)
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 1] + "…"


def _name(value: object) -> str:
    """The name, or a readable start of it that is still unlike every other one."""
    text = _text(value).strip() or "unnamed"
    if len(text) <= MAX_NAME_CHARACTERS:
        return text
    return f"{text[:180]}…{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _of_arn(arn: str, place: int) -> str:
    parts = arn.split(":")
    return parts[place] if len(parts) > place else ""


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
