"""What an incident opens with, from a trigger of whatever form."""

import json
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict

LONGEST_SERVICE = 200
LONGEST_SUMMARY = 2000
UNKNOWN = "unknown"
_SERVICE = (
    ("commonLabels", "service"),
    ("commonLabels", "workload_name"),
    ("commonLabels", "alertname"),
    ("subject", "name"),
    ("service",),
    ("detail", "alarmName"),
    ("AlarmName",),
)
"""Where triggers name what is in trouble, the most telling place first."""
_SUMMARY = (
    ("detail", "alarmName"),
    ("detail", "state", "reason"),
    ("AlarmName",),
    ("NewStateReason",),
    ("title",),
    ("description",),
    ("commonAnnotations", "summary"),
    ("summary",),
    ("text",),
    ("message",),
)


class Opening(BaseModel):
    """Service and summary of the incident."""

    model_config = ConfigDict(frozen=True)

    service: str
    summary: str


def opening_of(trigger: Mapping[str, object]) -> Opening:
    """The opening for a trigger; of a form that is not known the trigger itself is the summary."""
    services = list(_found(trigger, _SERVICE))
    told = list(dict.fromkeys(_found(trigger, _SUMMARY)))
    summary = ": ".join(told) or json.dumps(trigger, ensure_ascii=False)
    return Opening(
        service=(services or [UNKNOWN])[0][:LONGEST_SERVICE],
        summary=summary[:LONGEST_SUMMARY],
    )


def _found(trigger: Mapping[str, object], places: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    for place in places:
        value: object = trigger
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and value.strip():
            yield " ".join(value.split())
