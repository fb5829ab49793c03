"""What is sent to each door of ingest, every alarm another problem, and when each was accepted."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count, islice

import aiohttp
from redis import Redis

from bus.connection import as_text
from cli.publishing.parcels import (
    Parcel,
    Post,
    Queued,
    delivered,
    notice,
    notified,
    signed_for_slack,
    signed_notice,
)
from cli.publishing.target import Target
from simulator.senders import Problem, alertmanager, cloudwatch, slack
from simulator.senders.problem import letters

CHANNEL = "C0INCIDENTS"
TITLE = "Burst"
_TOLD = re.compile(rf"\b{TITLE} ([A-Z]+)\b")
_HEX = set("ABCDEF")
Make = Callable[[Sequence[Problem], Target], Parcel]


@dataclass(frozen=True)
class Sending:
    """How a door is filled: so many alarms, `each` of them in a request, `at_once` requests."""

    name: str
    make: Make
    alarms: int
    each: int = 1
    at_once: int = 1


@dataclass
class Sent:
    """When each alarm was sent and each request answered, and what was answered."""

    sent_at: dict[str, float] = field(default_factory=dict)
    answered_in: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)


def problems(first: int) -> Iterator[Problem]:
    """Problems without end, from a number on; no name of them looks like a figure."""
    for number in count(first):
        name = letters(number)
        if set(name) <= _HEX:
            continue
        service = f"service-{name.lower()}"
        yield Problem(service=service, summary=TITLE, at=datetime.now(UTC), kind=number)


def by_sns(found: Sequence[Problem], target: Target) -> Parcel:
    """A signed notice of SNS."""
    topic = target.needs("NIGHTSHIFT_SNS_TOPICS")
    return signed_notice(notice(json.dumps(cloudwatch.message(found[0], topic)), topic), target)


def by_queue(found: Sequence[Problem], _target: Target) -> Parcel:
    """An event of EventBridge for the queue."""
    return Queued(json.dumps(cloudwatch.event(found[0])))


def by_alertmanager(found: Sequence[Problem], target: Target) -> Parcel:
    """A notification with all of them."""
    return notified(json.dumps(alertmanager.notification(found)), target)


def by_logs(found: Sequence[Problem], target: Target) -> Parcel:
    """A delivery of Firehose with a batch of all of them."""
    lines = [replace(each, service="cartservice") for each in found]
    return delivered([cloudwatch.packed(cloudwatch.log_batch(lines))], target)


def by_slack(found: Sequence[Problem], target: Target) -> Parcel:
    """A command of a person of its own: what one person may ask is limited."""
    problem = found[0]
    body = slack.command(problem, channel=CHANNEL, person=f"U0{letters(problem.kind)}")
    return signed_for_slack(body, target, kind=slack.FORM)


async def send(sending: Sending, target: Target, *, first: int) -> Sent:
    """Everything was sent and answered."""
    found = list(islice(problems(first), sending.alarms))
    groups = [found[at : at + sending.each] for at in range(0, len(found), sending.each)]
    parcels = [(group, sending.make(group, target)) for group in groups]
    waiting, sent = iter(parcels), Sent()
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(limit=sending.at_once)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:

        async def work() -> None:
            for group, parcel in waiting:
                now = time.time()
                sent.sent_at |= {letters(each.kind): now for each in group}
                status = await _sent(parcel, target, session=session)
                sent.answered_in.append(time.time() - now)
                sent.statuses.add(status)

        await asyncio.gather(*(work() for _ in range(sending.at_once)))
    return sent


async def _sent(parcel: Parcel, target: Target, *, session: aiohttp.ClientSession) -> int:
    if isinstance(parcel, Post):
        url, headers = target.at(parcel.path), dict(parcel.headers)
    else:
        url, headers = f"{target.control}/_simulator/alarm-body", {}
    async with session.post(url, data=parcel.body.encode(), headers=headers) as answer:
        await answer.read()
        return answer.status


def accepted(redis: Redis, stream: str, *, wanted: set[str], seconds: float) -> dict[str, float]:
    """When each of these alarms stood on the stream, as soon as all do or the time is over."""
    found: dict[str, float] = {}
    last, give_up_at = "-", time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        rows = redis.xrange(stream, min=last, count=1000)
        for entry_id, fields in rows if isinstance(rows, list) else ():
            last = f"({as_text(entry_id)}"
            texts = " ".join(as_text(value) for value in (fields or {}).values())
            at = int(as_text(entry_id).partition("-")[0]) / 1000
            found |= {name: at for name in _TOLD.findall(texts) if name in wanted}
        if len(found) == len(wanted):
            break
        time.sleep(0.02 if rows else 0.1)
    return found
