"""What goes to which door: requests and queue bodies, made when they are sent."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from bus.errors import NotConfigured
from cli.publishing.asked import Asked, grouped, problems
from cli.publishing.target import Target
from cli.publishing.way_back import way_back

Door = Literal["sns", "eventbridge", "logs", "slack", "alertmanager"]
DOORS: tuple[Door, ...] = ("sns", "eventbridge", "logs", "slack", "alertmanager")
PATHS = {
    "sns": "/triggers/sns",
    "logs": "/triggers/logs",
    "slack": "/slack/events",
    "alertmanager": "/triggers/alertmanager",
}
ANY_TOPIC = "arn:aws:sns:eu-west-2:123456789012:nightshift-alarms"
"""What stands in an envelope for the queue, where the topic does not count."""


@dataclass(frozen=True)
class Post:
    """A request to one of ingest's HTTP doors."""

    path: str
    body: str
    headers: Mapping[str, str]
    answer_url: str = ""
    """Where the answer to the person is found, for what a person asks in Slack."""


@dataclass(frozen=True)
class Queued:
    """A body for the queue."""

    body: str


Parcel = Post | Queued


def parcels(door: Door, asked: Asked, *, target: Target, queue: bool) -> Iterator[Parcel]:
    """Everything that this sender sends; raises NotConfigured where something is missing."""
    if not queue and door != "eventbridge":
        target.at("")  # the first thing that a person has to know
    if door == "eventbridge":
        return _events(asked, target)
    if door == "sns":
        return _notices(asked, target, queue=queue)
    if door == "logs":
        return _log_batches(asked, target, queue=queue)
    if queue:
        raise NotConfigured(f"what --{door} sends never comes through the queue")
    return _commands(asked, target) if door == "slack" else _groups(asked, target)


def _events(asked: Asked, target: Target) -> Iterator[Parcel]:
    from simulator.senders import cloudwatch

    for problem in problems(asked, target):
        yield Queued(json.dumps(cloudwatch.event(problem)))


def _notices(asked: Asked, target: Target, *, queue: bool) -> Iterator[Parcel]:
    from simulator.senders import cloudwatch

    any_topic = queue and not target.variables.get("NIGHTSHIFT_SNS_TOPICS")
    topic = ANY_TOPIC if any_topic else target.needs("NIGHTSHIFT_SNS_TOPICS")
    for problem in problems(asked, target):
        text = json.dumps(cloudwatch.message(problem, topic))
        envelope = notice(text, topic, subject=cloudwatch.subject_of(problem))
        if queue:
            yield Queued(json.dumps(envelope))
        else:
            yield signed_notice(envelope, target)


def notice(message: str, topic: str, *, subject: str = "") -> dict[str, str]:
    """The envelope that SNS puts around a message, not yet signed."""
    now = datetime.now(UTC)
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": topic,
        **({"Subject": subject} if subject else {}),
        "Message": message,
        "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
    }


def signed_notice(envelope: dict[str, str], target: Target) -> Post:
    """The request by which SNS delivers that envelope, signed with the test key."""
    from cli.publishing.signing import signed

    kind = {"x-amz-sns-message-type": envelope["Type"]}
    names = {"x-amz-sns-message-id": "MessageId", "x-amz-sns-topic-arn": "TopicArn"}
    headers = kind | {name: envelope[key] for name, key in names.items()}
    headers |= {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    return Post(PATHS["sns"], json.dumps(signed(envelope, target)), headers)


def _log_batches(asked: Asked, target: Target, *, queue: bool) -> Iterator[Parcel]:
    from simulator.senders import cloudwatch

    for batch in grouped(asked, target):
        packed = cloudwatch.packed(cloudwatch.log_batch(batch))
        if queue:
            yield Queued(json.dumps({"awslogs": {"data": packed}}))
        else:
            yield delivered([packed], target)


def delivered(batches: Sequence[str], target: Target) -> Post:
    """The request by which Firehose delivers these batches of Logs, each base64 of gzip."""
    from simulator.senders import Problem, cloudwatch

    now, request_id = datetime.now(UTC), str(uuid.uuid4())
    sender = Problem(service="logs", summary="logs", at=now)
    body = cloudwatch.firehose_body(batches, request_id, at=now)
    key = target.needs("NIGHTSHIFT_LOGS_TOKEN")
    headers = cloudwatch.firehose_headers(sender, request_id, key=key)
    return Post(PATHS["logs"], json.dumps(body), headers)


def _commands(asked: Asked, target: Target) -> Iterator[Parcel]:
    from simulator.senders import slack

    if asked.recovered:
        raise NotConfigured("a person in Slack does not say that it is over: leave --recovered out")
    channel = target.variables.get("NIGHTSHIFT_SLACK_CHANNEL") or "C0INCIDENTS"
    for problem in problems(asked, target):
        url = way_back(target)
        body = slack.command(problem, channel=channel, response_url=url)
        yield replace(signed_for_slack(body, target, kind=slack.FORM), answer_url=url)


def signed_for_slack(body: str, target: Target, *, kind: str) -> Post:
    """The request by which Slack posts that body."""
    from simulator.senders import slack

    secret = target.needs("SLACK_SIGNING_SECRET")
    headers = slack.signed(body, secret=secret, at=time.time(), content_type=kind)
    return Post(PATHS["slack"], body, headers)


def _groups(asked: Asked, target: Target) -> Iterator[Parcel]:
    from simulator.senders import alertmanager

    for group in grouped(asked, target):
        yield notified(json.dumps(alertmanager.notification(group)), target)


def notified(body: str, target: Target) -> Post:
    """The request by which Alertmanager posts that body."""
    token = target.needs("NIGHTSHIFT_ALERTMANAGER_TOKEN")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Alertmanager/0.28.1",
        "Authorization": f"Bearer {token}",
    }
    return Post(PATHS["alertmanager"], body, headers)
