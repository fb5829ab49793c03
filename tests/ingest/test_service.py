"""Ingest over the wire: SQS by moto, a real Redis."""

import asyncio
import json
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bus.events import AlarmRecovered, DeadLetter, IncidentOpened
from bus.streams import INCIDENTS, NOTICES, UPDATES
from bus.testing import entries, events, eventually
from bus.tracing import root_of
from services.ingest.adapters.reading_room import ReadingRoom
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.adapters.sqs import SqsQueue
from services.ingest.handlers import Triggers
from services.ingest.settings import Settings
from simulator.redis_server import RedisServer
from tests.conftest import MakeBus
from tests.ingest.bodies import REGION, event, flat_alarm, notification
from tests.ingest.conftest import Ingest, Queue

pytestmark = pytest.mark.timeout(40)


async def queue_is_empty(queue: Queue) -> None:
    async def left_is_none() -> bool:
        return await asyncio.to_thread(queue.left) == 0

    await eventually(left_is_none, seconds=15)


async def test_an_alarm_becomes_one_incident_and_leaves_the_queue(
    queue: Queue, ingest: Ingest
) -> None:
    """In each of the three shapes in which a queue gets them."""
    queue.send(flat_alarm(), notification(flat_alarm("ads-error")), event("frontend-error"))
    bus = (await ingest()).bus

    await queue_is_empty(queue)

    found = await entries(bus, INCIDENTS)
    opened = await events(bus, INCIDENTS)
    said = {one.summary.partition(":")[0] for one in opened if isinstance(one, IncidentOpened)}
    assert said == {"cartservice-error", "ads-error", "frontend-error"}
    for entry, incident in zip(found, opened, strict=True):
        assert isinstance(incident, IncidentOpened)
        assert incident.service == "cartservice"
        assert entry.fields["traceparent"] == root_of(str(incident.incident_id)).traceparent


async def test_the_same_alarm_many_times_in_parallel_is_one_incident(make_bus: MakeBus) -> None:
    replicas = [make_bus("ingest") for _ in range(4)]
    handlers = [Triggers(RedisFingerprints(bus), bus.tracing, ReadingRoom()) for bus in replicas]
    room = asyncio.Semaphore(20)

    async def deliver(number: int) -> None:
        async with room:
            await handlers[number % 4].on_body(notification(flat_alarm()))

    await asyncio.gather(*(deliver(number) for number in range(100)))

    assert len(await entries(replicas[0], INCIDENTS)) == 1


async def test_duplicates_in_the_queue_are_all_deleted(queue: Queue, ingest: Ingest) -> None:
    queue.send(*[notification(flat_alarm())] * 15, event("frontend-5xx"), "hello", "{}")
    bus = (await ingest()).bus

    await queue_is_empty(queue)

    assert len(await entries(bus, INCIDENTS)) == 2


async def test_a_body_that_cannot_be_read_is_one_dead_letter_and_one_notice(
    queue: Queue, ingest: Ingest
) -> None:
    secret = "xoxb-" + "1234567890-abcdefghij"
    body = '{"AlarmName": "cut off ' + secret + " " + "x" * 100_000
    queue.send(body, body)
    bus = (await ingest()).bus

    await queue_is_empty(queue)

    (entry,) = await entries(bus, replace(INCIDENTS, name="incidents.dead"))
    letter = DeadLetter.model_validate_json(entry.fields["data"])
    assert "not JSON" in letter.reason
    assert len(letter.fields["body"].encode()) == 64 * 1024
    assert secret not in letter.fields["body"]
    assert len(await entries(bus, NOTICES)) == 1
    assert await entries(bus, INCIDENTS) == []


async def test_one_broken_record_takes_no_other_one_with_it(make_bus: MakeBus) -> None:
    bus = make_bus("ingest")
    records = [{"body": flat_alarm()[:-9]}, {"body": notification(flat_alarm())}]

    await Triggers(RedisFingerprints(bus), bus.tracing, ReadingRoom()).on_body(
        json.dumps({"Records": records})
    )

    dead = await entries(bus, replace(INCIDENTS, name="incidents.dead"))
    assert len(dead) == 1
    assert len(await entries(bus, INCIDENTS)) == 1


async def test_a_crash_between_append_and_delete_opens_no_second_incident(
    queue: Queue, ingest: Ingest, make_bus: MakeBus, aws: str
) -> None:
    queue.send(notification(flat_alarm()))
    crashed = make_bus("ingest", Settings, queue_url=queue.url, aws_region=REGION)
    assert isinstance(crashed.settings, Settings)
    sqs = SqsQueue(crashed.settings)
    (message,) = await sqs.receive()
    await Triggers(RedisFingerprints(crashed), crashed.tracing, ReadingRoom()).on_body(message.body)
    await asyncio.to_thread(
        queue.client.change_message_visibility,
        QueueUrl=queue.url,
        ReceiptHandle=message.receipt,
        VisibilityTimeout=0,
    )

    bus = (await ingest()).bus
    await queue_is_empty(queue)

    assert len(await entries(bus, INCIDENTS)) == 1


async def test_an_entry_is_deleted_from_the_queue_only_after_it_is_on_disk(
    queue: Queue, ingest: Ingest
) -> None:
    """Redis before 7.2 cannot say so: two seconds, in which an everysec file was synced."""
    queue.send(flat_alarm())
    bus = (await ingest()).bus

    async def appended() -> bool:
        return len(await entries(bus, INCIDENTS)) == 1

    await eventually(appended)
    written_at = (await entries(bus, INCIDENTS))[0].written_at
    await queue_is_empty(queue)

    version = str((await bus.redis.info("server"))["redis_version"])
    waited = (await bus.investigations.now() - written_at).total_seconds()
    assert waited >= 2 or tuple(map(int, version.split(".")[:2])) >= (7, 2)


async def test_what_redis_lost_before_it_was_on_disk_stays_in_the_queue(
    queue: Queue, ingest: Ingest, make_bus: MakeBus
) -> None:
    """Written, gone again within the two seconds, and Redis answers as if nothing had been."""
    operator = make_bus("operator")
    queue.send(flat_alarm())
    service = await ingest()

    async def appended() -> bool:
        return len(await entries(operator, INCIDENTS)) == 1

    await eventually(appended)
    await operator.redis.delete(operator.keys.stream(INCIDENTS))

    async def refused() -> bool:
        return "store" in await service.health.problems()

    await eventually(refused)
    await eventually(all_ended)
    assert await asyncio.to_thread(queue.left) == 1


async def all_ended() -> bool:
    """Whether nothing is received or deleted any more."""
    names = {task.get_name().rpartition(".")[2] for task in asyncio.all_tasks()}
    return not names & {"receive_forever", "delete_forever"}


async def test_while_redis_is_down_the_alarm_stays_in_the_queue_and_comes_through_later(
    queue: Queue, ingest: Ingest, own_redis: RedisServer
) -> None:
    service = await ingest(redis_url=SecretStr(own_redis.url), queue_visibility_seconds=5)
    own_redis.kill()
    queue.send(flat_alarm())

    async def trouble_is_told() -> bool:
        return "Redis" in (await service.health.problems()).get("queue", "")

    await eventually(trouble_is_told, seconds=15)
    assert await asyncio.to_thread(queue.left) == 1

    own_redis.start()
    await queue_is_empty(queue)
    bus = service.bus
    assert len(await entries(bus, INCIDENTS)) == 1
    assert await service.health.problems() == {}


async def test_sqs_trouble_is_told_by_readiness_and_ends_nothing(
    queue: Queue, ingest: Ingest
) -> None:
    service = await ingest(queue_url=queue.url + "-that-is-not-there")

    async def trouble_is_told() -> bool:
        return "SQS refuses" in (await service.health.problems()).get("queue", "")

    await eventually(trouble_is_told)
    assert not service.failed.done()


async def test_ok_is_news_for_a_running_investigation_and_nothing_otherwise(
    queue: Queue, ingest: Ingest
) -> None:
    queue.send(flat_alarm("payments-error", "OK"), flat_alarm())
    bus = (await ingest()).bus

    async def opened() -> bool:
        return len(await entries(bus, INCIDENTS)) == 1

    await eventually(opened)
    queue.send(*[flat_alarm(state="OK", StateChangeTime="2026-03-09T02:20:00Z")] * 2)
    await queue_is_empty(queue)

    (incident,) = await events(bus, INCIDENTS)
    (news,) = await events(bus, UPDATES)
    assert isinstance(incident, IncidentOpened)
    assert isinstance(news, AlarmRecovered)
    assert news.investigation_id == incident.incident_id
    assert news.policy == "finish small"


async def test_a_long_poll_does_not_hold_up_the_stop(queue: Queue, ingest: Ingest) -> None:
    service = await ingest(queue_wait_seconds=20)

    async with asyncio.timeout(5):
        await service.stop()
