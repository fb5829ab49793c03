"""Alarms that stood before anybody listened: by moto over the wire, and in memory."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import boto3
import pytest

from bus.cleaning import clean
from bus.errors import Unavailable
from bus.events import Alarm, IncidentOpened
from bus.streams import INCIDENTS
from bus.testing import events, eventually
from bus.tracing import Tracing
from services.ingest.adapters.cloudwatch import CloudWatchAlarms
from services.ingest.adapters.reading_room import ReadingRoom
from services.ingest.adapters.redis_catch_up import RedisCaughtUp
from services.ingest.alarm import read
from services.ingest.catch_up import CatchUp
from services.ingest.handlers import Triggers
from services.ingest.incident import incident_of
from services.ingest.limits import Limits
from services.ingest.ports import NotPermitted
from services.ingest.settings import Settings
from services.ingest.trigger import Raised
from tests.conftest import MakeBus
from tests.ingest.bodies import REGION, flat_alarm
from tests.ingest.conftest import Ingest, Queue
from tests.ingest.shift import Shift
from tests.ingest.test_intake import MemoryFingerprints

TOPIC = f"arn:aws:sns:{REGION}:210987654321:alarms"
OTHER = f"arn:aws:sns:{REGION}:210987654321:of-another-team"
SCALING = f"arn:aws:autoscaling:{REGION}:210987654321:scalingPolicy:1:autoScalingGroupName/a"
pytestmark = pytest.mark.timeout(40)


def standing(
    name: str, *, actions: Sequence[str] = (TOPIC,), is_on: bool = True, is_fine: bool = False
) -> None:
    """An alarm of that name stands in ALARM, or in OK."""
    client = boto3.client("cloudwatch", region_name=REGION)
    client.put_metric_alarm(
        AlarmName=name,
        MetricName="cartserviceErrorCount",
        Namespace="Shop/Errors",
        Statistic="Sum",
        Dimensions=[{"Name": "Cluster", "Value": "shop"}],
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=actions,
        ActionsEnabled=is_on,
    )
    state: Literal["OK", "ALARM"] = "OK" if is_fine else "ALARM"
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="too many")


@pytest.fixture
def alarms(aws: str) -> list[str]:
    """What stands: two to be caught up, and others that are not."""
    client = boto3.client("cloudwatch", region_name=REGION)
    named = [alarm["AlarmName"] for alarm in client.describe_alarms()["MetricAlarms"]]
    if named:
        client.delete_alarms(AlarmNames=named)
    standing("shop-cartservice-error")
    standing("ads-error", actions=[OTHER, SCALING])
    standing("tells-nobody", actions=())
    standing("fine", is_fine=True)
    standing("off", is_on=False)
    standing("TargetTracking-low", actions=[SCALING])
    return ["ads-error", "shop-cartservice-error"]


async def names_of(settings: Settings) -> list[str]:
    pages = [page async for page in CloudWatchAlarms(settings).pages()]
    return sorted(str(alarm["AlarmName"]) for page in pages for alarm in page)


async def test_alarms_that_stand_and_tell_people_are_found(alarms: list[str], queue: Queue) -> None:
    assert await names_of(Settings(queue_url=queue.url)) == alarms
    assert await names_of(Settings(queue_url=queue.url, alarm_prefix="shop-")) == alarms[1:]


async def test_standing_alarms_open_incidents_once_over_two_starts(
    alarms: list[str], queue: Queue, ingest: Ingest
) -> None:
    service = await ingest(catch_up=True)

    async def opened() -> list[Alarm]:
        found = await events(service.bus, INCIDENTS)
        held = [event.alarm for event in found if isinstance(event, IncidentOpened)]
        return [alarm for alarm in held if alarm] if len(held) >= len(alarms) else []

    assert sorted(alarm.name for alarm in await eventually(opened, seconds=15)) == alarms
    await service.bus.redis.delete(f"{service.bus.keys.prefix}fingerprint:caught-up")
    again = await ingest(catch_up=True)
    marked = f"{again.bus.keys.prefix}fingerprint:caught-up"

    async def caught_up() -> bool:
        return bool(await again.bus.redis.exists(marked))

    await eventually(caught_up, seconds=15)
    assert len(await events(again.bus, INCIDENTS)) == len(alarms)


@dataclass
class Standing:
    """Alarms in memory; fails first as often as told."""

    documents: Sequence[Mapping[str, object]] = ()
    failures: list[Exception] = field(default_factory=list)

    async def pages(self) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        if self.failures:
            raise self.failures.pop()
        yield self.documents


@dataclass
class Memory:
    """What was opened, in memory."""

    known: set[str] = field(default_factory=set)
    noted: int = 0

    async def is_due(self) -> bool:
        return not self.noted

    async def note(self) -> None:
        self.noted += 1

    async def knows(self, incident: IncidentOpened) -> bool:
        return incident.incident_id in self.known


def catching_up(standing: Standing, memory: Memory, written: MemoryFingerprints) -> CatchUp:
    empty = asyncio.Event()
    empty.set()
    return CatchUp(
        standing, memory, Triggers(written, Tracing("ingest", "ingest-1"), ReadingRoom()), empty
    )


def told(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(flat_alarm(name))
    return found


def alarm_of(document: Mapping[str, object]) -> Alarm:
    found = read(document, clean=clean)
    assert isinstance(found, Raised)
    return found.alarm


async def test_without_the_permission_one_warning_says_what_to_grant(
    caplog: pytest.LogCaptureFixture,
) -> None:
    standing, memory = Standing(failures=[NotPermitted("CloudWatch refuses")]), Memory()

    with caplog.at_level(logging.WARNING):
        await catching_up(standing, memory, MemoryFingerprints()).run()

    (said,) = [record.getMessage() for record in caplog.records]
    assert "grant cloudwatch:DescribeAlarms" in said
    assert memory.noted == 0


async def test_what_does_not_answer_is_asked_again_and_a_second_replica_asks_nothing() -> None:
    standing = Standing([told("a")], failures=[Unavailable("throttled", retry_in_seconds=0.01)])
    memory, written = Memory(), MemoryFingerprints()

    await catching_up(standing, memory, written).run()
    standing.documents = [told("b")]
    await catching_up(standing, memory, written).run()

    assert len(written.written) == 1


async def test_known_broken_and_suppressed_alarms_open_nothing_and_many_are_bounded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    suppressed = told("quiet") | {"ActionsSuppressedBy": "Alarm"}
    known = str(incident_of(Raised(alarm_of(told("b"))), "cartservice").incident_id)
    broken: dict[str, object] = {"AlarmName": "", "NewStateValue": "ALARM"}
    documents = [broken, suppressed, told("b"), told("a"), told("a"), told("c")]
    written = MemoryFingerprints()
    catch_up = catching_up(Standing(documents), Memory(known={known}), written)
    catch_up.most_alarms = 5

    with caplog.at_level(logging.WARNING):
        await catch_up.run()

    assert len(written.written) == 1
    assert "more than 5 alarms stand" in caplog.text


async def test_a_change_stays_known_when_its_problem_is_forgotten(make_bus: MakeBus) -> None:
    """An alarm that stood for long was opened again by the next start of ingest."""
    shift = Shift(make_bus("ingest"), Limits(max_new=1))
    change = Raised(shift.alarm("cart"), service="cart-service")
    other = Raised(shift.alarm("other"), service="cart-service")
    assert (await shift.triggers.take(change)).outcome == "folded"
    incident = incident_of(change, "cart-service")
    key = f"{shift.bus.keys.prefix}fingerprint:problem:{incident.fingerprint}"
    await shift.bus.redis.delete(key)

    memory = RedisCaughtUp(shift.bus)

    assert await memory.knows(incident)
    assert not await memory.knows(incident_of(other, "cart-service"))
