"""Bodies out of the door, and what came back."""

import json
import os
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from bus.cleaning import clean
from bus.errors import NotConfigured
from cli.publishing.parcels import PATHS, Post, Queued
from cli.publishing.target import Target
from cli.publishing.way_back import ONLY_IN_SLACK, answered
from cli.stack import call

ANSWERED_WITHIN_SECONDS = 30
"""Longer than any door waits for the disk."""
_ADVICE = {
    400: "it cannot be read as what it is meant to be",
    401: "ingest was started with another secret, or the clocks differ",
    403: "ingest was started with another secret, or takes no such topic or sender",
    404: "this door is closed: set what docs/triggers.md says and start ingest anew",
    413: "it is larger than ingest reads",
    429: "too many at once: the sender would wait",
    503: "ingest cannot write it now: the sender would send it again",
}


@dataclass(frozen=True)
class Answer:
    """What became of one parcel, in a line; `failed` where the sender would not be content."""

    said: str
    kind: str
    """The same for answers that mean the same."""
    failed: bool = False
    waits: bool = False
    """Whether ingest has yet to take it out of the queue."""


def post(parcel: Post, target: Target) -> Answer:
    """What ingest answered; raises NotConfigured where nobody answers."""
    url = target.at(parcel.path)
    request = Request(url, parcel.body.encode(), dict(parcel.headers), method="POST")
    try:
        with urlopen(request, timeout=ANSWERED_WITHIN_SECONDS) as answer:
            status, body = int(answer.status), answer.read(64_000)
    except HTTPError as error:
        with error:
            status, body = error.code, error.read(64_000)
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NotConfigured(f"ingest does not answer at {url}: {reason}") from None
    text = clean(body.decode("utf-8", "replace"))
    is_acknowledged = parcel.path == PATHS["slack"] and status == 200 and not text
    return _of_slack(parcel) if is_acknowledged else _answer(status, text)


def _of_slack(parcel: Post) -> Answer:
    """Slack is answered with 200 whatever becomes of the request: the person is told more."""
    if not parcel.answer_url:
        return Answer(f"200 {ONLY_IN_SLACK}", f"200 {ONLY_IN_SLACK}")
    text, is_taken = answered(parcel.answer_url)
    kind = "200, taken" if is_taken else "200, and refused"
    return Answer(f"200 {' '.join(clean(text).split())[:500]}", kind, failed=not is_taken)


def _answer(status: int, text: str) -> Answer:
    said = f"{status} {' '.join(text.split())[:500]}".strip()
    if status < 400 and (reasons := _refused(text)):
        return Answer(f"{status}, but refused: {reasons}", f"{status}, but refused", failed=True)
    if status < 400:
        return Answer(said, str(status))
    advice = f" ({_ADVICE[status]})" if status in _ADVICE else ""
    return Answer(f"{said}{advice}", f"{status}{advice}", failed=True)


def _refused(text: str) -> str:
    """Why something was set aside although it was acknowledged: else its sender would repeat it."""
    try:
        found = json.loads(text)
    except ValueError:
        return ""
    reasons = found.get("refused") if isinstance(found, dict) else None
    return "; ".join(map(str, reasons))[:500] if isinstance(reasons, list) else ""


def put(parcel: Queued, target: Target) -> Answer:
    """The body lies in the queue; raises NotConfigured where it does not."""
    send = _by_simulator if target.control else _by_boto
    return Answer(
        f"in the queue as message {send(parcel.body, target)}", "in the queue", waits=True
    )


def _by_simulator(body: str, target: Target) -> str:
    # The simulated account lets nobody but its owner send, as a real one should.
    request = Request(f"{target.control}/_simulator/alarm-body", body.encode(), method="POST")
    try:
        with urlopen(request, timeout=ANSWERED_WITHIN_SECONDS) as answer:
            return str(json.loads(answer.read())["done"])
    except (OSError, ValueError, KeyError, HTTPException):
        raise NotConfigured(_gone(target)) from None


def fire(form: str, target: Target, *, change: str) -> str:
    """The alarm of the running scenario went to ALARM (`fire`) or back to OK (`recover`)."""
    try:
        answer = call(f"{target.control}/_simulator/{change}-alarm", {"form": form})
    except (OSError, ValueError, HTTPException):
        raise NotConfigured(_gone(target)) from None
    return json.dumps(answer)


def _gone(target: Target) -> str:
    return f"the `nightshift up` that was at {target.control} does not answer; start it again"


def _by_boto(body: str, target: Target) -> str:
    import boto3  # slow to import, and only needed here
    from botocore.exceptions import BotoCoreError, ClientError

    queue = target.needs("NIGHTSHIFT_QUEUE_URL")
    try:
        sqs = boto3.client("sqs", region_name=os.environ.get("AWS_REGION"))
        return str(sqs.send_message(QueueUrl=queue, MessageBody=body)["MessageId"])
    except (ValueError, BotoCoreError, ClientError) as error:
        raise NotConfigured(f"{queue} took nothing: {error}") from None
