"""What CloudWatch tells about a problem: SNS message, EventBridge event, envelope, log batch."""

import base64
import gzip
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from simulator.aws.alarm_bodies import (
    Json,
    StateChange,
    alarm_arn,
    event_detail,
    sns_message,
    subject,
)
from simulator.scenario import AlarmSetup
from simulator.senders.problem import Problem

DETAIL_TYPE = "CloudWatch Alarm State Change"
_BEFORE = timedelta(minutes=5)


def message(problem: Problem, topic_arn: str) -> Json:
    """The message that CloudWatch publishes to the alarm's topic."""
    alarm, change = _alarm(problem), _change(problem)
    dimensions = {"ServiceName": problem.service}
    return sns_message(alarm, change, topic_arn=topic_arn, dimensions=dimensions)


def subject_of(problem: Problem) -> str:
    """The subject of that message."""
    return subject(_alarm(problem), _change(problem))


def event(problem: Problem) -> Json:
    """The event as an EventBridge rule hands it to a queue."""
    alarm = _alarm(problem)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPE,
        "source": "aws.cloudwatch",
        "account": problem.account,
        "time": problem.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": problem.region,
        "resources": [alarm_arn(alarm)],
        "detail": event_detail(
            alarm, _change(problem), dimensions={"ServiceName": problem.service}
        ),
    }


def log_batch(problems: Sequence[Problem]) -> Json:
    """What a subscription filter of CloudWatch Logs delivers; the problems are of one service."""
    first = problems[0]
    return {
        "messageType": "DATA_MESSAGE",
        "owner": first.account,
        "logGroup": f"/boutique/{first.service}",
        "logStream": f"{first.service}-6f7d9c5b8-x2x7q",
        "subscriptionFilters": ["nightshift-errors"],
        "logEvents": [_log_event(problem, number) for number, problem in enumerate(problems)],
    }


def packed(batch: Json) -> str:
    """The batch as Logs hands it on: base64 of gzip."""
    return base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()


def firehose_body(packed_batches: Sequence[str], request_id: str, *, at: datetime) -> Json:
    """The body of a request of Amazon Data Firehose to an HTTP endpoint."""
    return {
        "requestId": request_id,
        "timestamp": _epoch_milliseconds(at),
        "records": [{"data": text} for text in packed_batches],
    }


def firehose_headers(problem: Problem, request_id: str, *, key: str) -> dict[str, str]:
    """The headers of that request."""
    arn = f"arn:aws:firehose:{problem.region}:{problem.account}:deliverystream/nightshift-logs"
    return {
        "Content-Type": "application/json",
        "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
        "X-Amz-Firehose-Protocol-Version": "1.0",
        "X-Amz-Firehose-Request-Id": request_id,
        "X-Amz-Firehose-Source-Arn": arn,
        "X-Amz-Firehose-Access-Key": key,
    }


def _log_event(problem: Problem, number: int) -> Json:
    severity = "CRITICAL" if problem.severity == "critical" else "ERROR"
    line = {
        "severity": severity,
        "time": problem.at.astimezone(UTC).isoformat(),
        "service": problem.service,
        "message": problem.title,
    }
    at = _epoch_milliseconds(problem.at) + number
    return {"id": f"{at:056d}", "timestamp": at, "message": json.dumps(line)}


def _epoch_milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _alarm(problem: Problem) -> AlarmSetup:
    return AlarmSetup(
        name=problem.alarm_name,
        description=f"{problem.title}. Severity: {problem.severity}. A rehearsal.",
        reason=_CROSSED,
        metric=f"{problem.service}-errors",
        account=problem.account,
        region=problem.region,
    )


def _change(problem: Problem) -> StateChange:
    before = problem.at - _BEFORE
    if problem.recovered:
        return StateChange("ALARM", _CROSSED, before, "OK", _CALM, problem.at)
    return StateChange("OK", _CALM, before, "ALARM", _CROSSED, problem.at)


_CROSSED = "Threshold Crossed: 1 datapoint [7.0] was greater than the threshold (0.0)."
_CALM = "Threshold Crossed: 1 datapoint [0.0] was not greater than the threshold (0.0)."
