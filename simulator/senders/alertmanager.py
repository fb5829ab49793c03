"""What Alertmanager posts to a webhook (version 4): one group of alerts."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC

from simulator.aws.alarm_bodies import Json
from simulator.senders.problem import Problem

EXTERNAL_URL = "http://alertmanager.monitoring:9093"
_NEVER = "0001-01-01T00:00:00Z"


def notification(problems: Sequence[Problem]) -> Json:
    """The group of these problems, which have one alert name and service; each is an alert."""
    first = problems[0]
    alerts = [_alert(problem, number) for number, problem in enumerate(problems, 1)]
    common = {name: text for name, text in _labels(first).items() if name != "severity"}
    return {
        "version": "4",
        "groupKey": f'{{}}/{{}}:{{alertname="{first.alert_name}"}}',
        "truncatedAlerts": 0,
        "status": "resolved" if all(each.recovered for each in problems) else "firing",
        "receiver": "nightshift",
        "groupLabels": {"alertname": first.alert_name},
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": EXTERNAL_URL,
        "alerts": alerts,
    }


def _labels(problem: Problem) -> dict[str, str]:
    return {
        "alertname": problem.alert_name,
        **({"namespace": problem.namespace} if problem.namespace else {}),
        "service": problem.service,
        "severity": problem.severity,
    }


def _alert(problem: Problem, number: int) -> Json:
    # Alerts of one group differ in a label. No pod, no cluster: who investigates would look for it.
    labels = _labels(problem) | {"rehearsal": str(number)}
    digest = hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()
    at = problem.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {
        "status": "resolved" if problem.recovered else "firing",
        "labels": labels,
        "annotations": {"summary": problem.title, "description": f"{problem.title}. A rehearsal."},
        "startsAt": at,
        "endsAt": at if problem.recovered else _NEVER,
        "generatorURL": "http://prometheus.monitoring:9090/graph?g0.expr=errors",
        "fingerprint": digest[:16],
    }
