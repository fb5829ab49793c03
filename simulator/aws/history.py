"""DescribeAlarmHistory, which moto lacks: what was done to alarms, told as CloudWatch tells it."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from simulator.aws.wire import Answer, Asked, Json

ACTION = "DescribeAlarmHistory"
_ENUMS = {
    "AlarmTypes": ("CompositeAlarm", "MetricAlarm", "LogAlarm"),
    "HistoryItemType": (
        "ConfigurationUpdate",
        "StateUpdate",
        "Action",
        "AlarmContributorStateUpdate",
        "AlarmContributorAction",
    ),
    "ScanBy": ("TimestampDescending", "TimestampAscending"),
}
_MOST_RECORDS = 100
_LONGEST_NAME = 255
_TOKEN = re.compile(r"from-(\d{1,9})")
_KNOWN = {
    "AlarmName",
    "AlarmContributorId",
    "AlarmTypes",
    "HistoryItemType",
    "StartDate",
    "EndDate",
    "MaxRecords",
    "NextToken",
    "ScanBy",
}


@dataclass(frozen=True)
class _Item:
    alarm: str
    kind: str
    at: float
    summary: str
    told: Json

    def shown(self) -> Json:
        return {
            "AlarmName": self.alarm,
            "AlarmType": "MetricAlarm",
            "Timestamp": self.at,
            "HistoryItemType": self.kind,
            "HistorySummary": self.summary,
            "HistoryData": json.dumps({"version": "1.0"} | self.told),
        }


@dataclass
class AlarmHistory:
    """Notes what succeeds at moto, and answers from it. Every method may be called by any thread.

    An alarm that is put for the first time begins in INSUFFICIENT_DATA, as AWS has it.
    """

    _items: list[_Item] = field(default_factory=list)
    _states: dict[str, Json] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Nothing has happened yet."""
        with self._lock:
            self._items.clear()
            self._states.clear()

    def note(self, asked: Asked, answer: Answer) -> None:
        """A request has been answered; what changed an alarm is kept."""
        if asked.service != "monitoring" or answer.code != 200:
            return
        fields = asked.fields()
        name = str(fields.get("AlarmName", ""))
        if asked.action == "PutMetricAlarm":
            kind = "Update" if name in self._states else "Create"
            verb = {"Update": "updated", "Create": "created"}[kind]
            told: Json = {"type": kind, "updatedAlarm": {"alarmName": name}}
            summary = f'Alarm "{name}" {verb}'
            self._add(name, "ConfigurationUpdate", summary=summary, told=told)
            self._states.setdefault(
                name, {"stateValue": "INSUFFICIENT_DATA", "stateReason": "Unchecked: Initial alarm"}
            )
        elif asked.action == "SetAlarmState":
            value, reason = fields.get("StateValue"), fields.get("StateReason")
            now: Json = {"stateValue": value, "stateReason": reason}
            before = self._states.get(name, {})
            self._states[name] = now
            if before.get("stateValue") != value:
                summary = f"Alarm updated from {before.get('stateValue')} to {value}"
                told = {"oldState": before, "newState": now}
                self._add(name, "StateUpdate", summary=summary, told=told)

    def note_action(self, name: str, state: str, *, topic_arn: str) -> None:
        """The alarm's notice went to a topic."""
        summary = f"Successfully executed action {topic_arn}"
        told: Json = {"actionState": "Succeeded", "stateUpdateTimestamp": None}
        told |= {"notificationResource": topic_arn, "newState": {"stateValue": state}}
        self._add(name, "Action", summary=summary, told=told)

    def answer(self, asked: Asked) -> Answer:
        """What CloudWatch answers; what is beyond its limits is refused."""
        fields = asked.fields()
        if problem := _problem(fields):
            return asked.error("ValidationError", problem)
        token = fields.get("NextToken")
        start = _TOKEN.fullmatch(str(token)) if token is not None else None
        if token is not None and start is None:
            return asked.error("InvalidNextToken", "The NextToken is invalid.")
        first, most = int(start[1]) if start else 0, int(str(fields.get("MaxRecords", 50)))
        found = self._found(fields)
        body: Json = {"AlarmHistoryItems": [one.shown() for one in found[first : first + most]]}
        if first + most < len(found):
            body["NextToken"] = f"from-{first + most}"
        return asked.said(body)

    def _found(self, fields: Json) -> list[_Item]:
        name, kind = fields.get("AlarmName"), fields.get("HistoryItemType")
        # Without the argument CloudWatch tells of metric alarms, and these are all there are here.
        types = fields.get("AlarmTypes", ["MetricAlarm"])
        with self._lock:
            items = list(self._items)
        found = [
            item
            for item in items
            if name in (None, item.alarm)
            and kind in (None, item.kind)
            and isinstance(types, list)
            and "MetricAlarm" in types
            and _seconds(fields.get("StartDate"), 0.0) <= item.at
            and item.at <= _seconds(fields.get("EndDate"), float("inf"))
        ]
        return found if fields.get("ScanBy") == "TimestampAscending" else found[::-1]

    def _add(self, name: str, kind: str, *, summary: str, told: Json) -> None:
        at = round(datetime.now(UTC).timestamp(), 3)
        with self._lock:
            self._items.append(_Item(name, kind, at, summary, told))


def _problem(fields: Json) -> str:
    """The first thing that CloudWatch does not take, empty when it takes all."""
    return next(_problems(fields), "")


def _problems(fields: Json) -> Iterator[str]:
    for name in sorted(set(fields) - _KNOWN):
        yield f"Unknown parameter in input: {name}"
    if not 1 <= len(str(fields.get("AlarmName", "-"))) <= _LONGEST_NAME:
        yield f"An alarm name has 1 to {_LONGEST_NAME} characters."
    most = fields.get("MaxRecords", 1)
    if not isinstance(most, int) or not 1 <= most <= _MOST_RECORDS:
        yield f"MaxRecords is 1 to {_MOST_RECORDS}."
    for key, allowed in _ENUMS.items():
        yield from _not_one_of(key, fields.get(key, []), allowed=allowed)
    for key in ("StartDate", "EndDate"):
        if not isinstance(fields.get(key, 0), int | float):
            yield f"Value at '{key}' is no timestamp."


def _not_one_of(key: str, given: object, *, allowed: tuple[str, ...]) -> Iterator[str]:
    words = ", ".join(allowed)
    for value in given if isinstance(given, list) else [given]:
        if value not in allowed:
            yield (
                f"Value '{value}' at '{key}' failed to satisfy constraint: Member must satisfy "
                f"enum value set: [{words}]"
            )


def _seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
