"""Limits that AWS publishes and moto does not keep."""

import json
import re
from collections.abc import Callable

from simulator.aws.wire import Answer, Asked, Json

_MOST_QUERIES = 500
_QUERY_ID = re.compile(r"[a-z][A-Za-z0-9_]{0,254}")
_SHORT_PERIODS = (1, 5, 10, 20, 30)
_MOST_ALARM_NAMES = 100
_LONGEST_ALARM_NAME = 255
_LONGEST_PATTERN = 1024
_LONGEST_GROUP = 512
_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]+")
_LONGEST_MESSAGE_BYTES = 256 * 1024
_MOST_ENTRIES = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_PAGE_BYTES = 1024 * 1024
_BYTES_BESIDE_TEXT = 26


def broken_rule(asked: Asked) -> Answer | None:
    """The refusal of a request beyond a limit; None when it keeps them all."""
    check = _CHECKS.get((asked.service, asked.action))
    problem = check(asked.fields()) if check is not None else ""
    if not problem:
        return None
    return asked.error(_CODES[asked.service], problem)


def within_a_page(asked: Asked, answer: Answer) -> Answer:
    """A page of log events that holds no more than one megabyte, and the token of the next."""
    if (asked.service, asked.action, answer.code) != ("logs", "FilterLogEvents", 200):
        return answer
    fields = answer.fields()
    events = fields.get("events")
    size = 0
    for count, event in enumerate(events if isinstance(events, list) else []):
        size += len(str(event["message"]).encode()) + _BYTES_BESIDE_TEXT
        if size > _PAGE_BYTES and count:
            last = events[count - 1] if isinstance(events, list) else {}
            group = asked.fields().get("logGroupName")
            token = f"{group}@{last['logStreamName']}@{last['eventId']}"
            kept = events[:count] if isinstance(events, list) else []
            return answer.changed(fields | {"events": kept, "nextToken": token})
    return answer


def _metric_data(fields: Json) -> str:
    queries = fields.get("MetricDataQueries")
    rows = queries if isinstance(queries, list) else []
    if len(rows) > _MOST_QUERIES:
        return (
            f"The collection MetricDataQueries must not have a size greater than {_MOST_QUERIES}."
        )
    ids = [str(row.get("Id", "")) for row in rows]
    if len(set(ids)) < len(ids):
        return "The values for parameter id in MetricDataQueries are not unique."
    for row in rows:
        if not _QUERY_ID.fullmatch(str(row.get("Id", ""))):
            return (
                f"The value {row.get('Id')} for parameter id is not matching the expected pattern."
            )
        stat = row.get("MetricStat") or {}
        period = stat.get("Period", 60)
        if period % 60 and period not in _SHORT_PERIODS:
            return "The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60."
    return ""


def _alarms(fields: Json) -> str:
    names = fields.get("AlarmNames")
    rows = names if isinstance(names, list) else []
    if len(rows) > _MOST_ALARM_NAMES:
        return f"The collection AlarmNames must not have a size greater than {_MOST_ALARM_NAMES}."
    if any(not 1 <= len(str(name)) <= _LONGEST_ALARM_NAME for name in rows):
        return f"An alarm name has 1 to {_LONGEST_ALARM_NAME} characters."
    most = fields.get("MaxRecords", 1)
    return "" if isinstance(most, int) and 1 <= most <= 100 else "MaxRecords is 1 to 100."


def _events(fields: Json) -> str:
    group, pattern = str(fields.get("logGroupName", "")), str(fields.get("filterPattern", ""))
    if len(group) > _LONGEST_GROUP or not _GROUP.fullmatch(group):
        return (
            f"Value {json.dumps(group[:80])} at 'logGroupName' failed to satisfy constraint: "
            f"Member must have 1 to {_LONGEST_GROUP} of the characters A-Z a-z 0-9 . - _ / #"
        )
    if len(pattern) > _LONGEST_PATTERN:
        return (
            "Value at 'filterPattern' failed to satisfy constraint: Member must have length less "
            f"than or equal to {_LONGEST_PATTERN}"
        )
    limit = fields.get("limit", 1)
    known = isinstance(limit, int) and 1 <= limit <= 10_000
    return "" if known else "Value at 'limit' failed to satisfy constraint: 1 to 10000"


def _message(fields: Json) -> str:
    size = len(str(fields.get("MessageBody") or "").encode())
    if not size:
        return "The request must contain the parameter MessageBody."
    if size > _LONGEST_MESSAGE_BYTES:
        return f"One or more parameters are invalid. Reason: more than {_LONGEST_MESSAGE_BYTES} B."
    return ""


def _deletions(fields: Json) -> str:
    entries = fields.get("Entries")
    rows = entries if isinstance(entries, list) else []
    if len(rows) > _MOST_ENTRIES:
        return f"Maximum number of entries per request are {_MOST_ENTRIES}. You have {len(rows)}."
    for entry in rows:
        if not _ENTRY_ID.fullmatch(str(entry.get("Id", ""))):
            return "A batch entry id has 1 to 80 letters, digits, hyphens and underscores."
    return ""


_CODES = {
    "logs": "InvalidParameterException",
    "monitoring": "ValidationError",
    "sqs": "InvalidParameterValue",
}
_CHECKS: dict[tuple[str, str], Callable[[Json], str]] = {
    ("monitoring", "GetMetricData"): _metric_data,
    ("monitoring", "DescribeAlarms"): _alarms,
    ("logs", "FilterLogEvents"): _events,
    ("sqs", "SendMessage"): _message,
    ("sqs", "DeleteMessageBatch"): _deletions,
}
