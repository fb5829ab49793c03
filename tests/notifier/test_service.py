"""The whole notifier, running over a real Redis and a Slack on the wire."""

import json
from datetime import timedelta

import pytest
from pydantic import SecretStr

from bus.errors import NotConfigured
from bus.events import (
    Alarm,
    AlarmJoined,
    FeedbackGiven,
    IncidentOpened,
    InvestigationId,
    InvestigationProgressed,
    InvestigationStopped,
    NoticeRequested,
    StopRequested,
    TurnDue,
)
from bus.port import Bus
from bus.process import Service
from bus.record import Commit, Record, end
from bus.settings import load
from bus.streams import DIAGNOSES, STOPS, TURNS
from bus.testing import events, eventually
from services.notifier.settings import Settings
from tests.notifier.records import diagnosis
from tests.notifier.slack_desk import Desk

INV = InvestigationId("inc-7")
INCIDENT = IncidentOpened(
    service="cartservice", summary="HTTP 500 on checkout", incident_id="inc-7", fingerprint="f-1"
)


async def placed(desk: Desk, bus: Bus, incident: IncidentOpened = INCIDENT) -> Record:
    await bus.publish(incident)

    async def stands() -> bool:
        return any(incident.service in message.now.text for message in desk.messages)

    await eventually(stands)
    record = await bus.investigations.read(INV)
    assert record is not None
    return record


async def stop_signals(bus: Bus) -> list[InvestigationStopped]:
    found = await events(bus, STOPS)
    return [event for event in found if isinstance(event, InvestigationStopped)]


async def quiet(bus: Bus, stream: str) -> bool:
    rows = await bus.redis.xinfo_groups(f"{bus.keys.prefix}{stream}")
    mine = next(row for row in rows if row["name"] == b"notifier")
    last = await bus.redis.xinfo_stream(f"{bus.keys.prefix}{stream}")
    return bool(mine["pending"] == 0 and mine["last-delivered-id"] == last["last-generated-id"])


async def make_due(bus: Bus, seconds_to_deadline: float) -> None:
    """Let INV have been opened five minutes before a deadline so far ahead of Redis time."""
    deadline_at = await bus.investigations.now() + timedelta(seconds=seconds_to_deadline)
    opened_at = deadline_at - timedelta(minutes=5)

    def decide(record: Record) -> Commit:
        record = record.changed(opened_at=opened_at, deadline_at=deadline_at)
        return Commit(record=record, due_at=opened_at)

    await bus.investigations.apply(INV, decide)


async def test_incident_is_opened_placed_and_closed_with_one_message(
    desk: Desk, service: Service
) -> None:
    bus = service.bus
    record = await placed(desk, bus)
    assert desk.messages[0].now.text == "investigating cartservice: HTTP 500 on checkout"
    await bus.publish(
        InvestigationProgressed(investigation_id=INV, turn=1, activity="reading logs")
    )

    async def shown() -> bool:
        return "reading logs" in desk.said()

    await eventually(shown)
    at = await bus.investigations.now()
    await bus.investigations.apply(
        INV, lambda known: end(known, "diagnosed", at=at, diagnosis=diagnosis())
    )

    async def closed() -> bool:
        return bool(await stop_signals(bus)) and await quiet(bus, "diagnoses")

    await eventually(closed)
    assert "RedisCartStore.cs" in desk.said()
    assert len(desk.messages) == 1
    (stopped,) = await stop_signals(bus)
    assert (stopped.investigation_id, stopped.ts) == (record.investigation_id, desk.messages[0].ts)
    turns = await events(bus, TURNS)
    assert turns == [TurnDue(investigation_id=INV, turn=1)]


async def test_repeated_incident_and_diagnosis_change_nothing(desk: Desk, service: Service) -> None:
    bus = service.bus
    record = await placed(desk, bus)
    await bus.publish(INCIDENT)
    at = await bus.investigations.now()
    ended = end(record, "cancelled", at=at, reason="stopped by ada")
    await bus.investigations.apply(INV, lambda _: ended)
    await bus.publish(ended.events[0])
    await bus.publish(ended.events[0])

    async def settled() -> bool:
        return await quiet(bus, "diagnoses") and await quiet(bus, "incidents")

    await eventually(settled)
    assert len(desk.messages) == 1
    assert len(await stop_signals(bus)) == 1
    assert "stopped by ada" in desk.said()


async def test_deadline_without_any_reasoner_posts_timed_out(desk: Desk, service: Service) -> None:
    bus = service.bus
    await placed(desk, bus)
    await make_due(bus, -1)

    async def closed() -> bool:
        return bool(await stop_signals(bus))

    await eventually(closed)
    assert "Timed out" in desk.said()
    assert "no model answered" in desk.said()
    stops = await events(bus, STOPS)
    assert [type(event) for event in stops] == [StopRequested, InvestigationStopped]
    assert await bus.redis.zcard(bus.keys.deadlines) == 0


async def test_conclude_point_makes_the_record_conclude_and_moves_on_to_the_deadline(
    desk: Desk, service: Service
) -> None:
    bus = service.bus
    await placed(desk, bus)
    await make_due(bus, 30)

    async def concluding() -> str:
        record = await bus.investigations.read(INV)
        return record.concluding if record else ""

    assert await eventually(concluding) == "deadline"
    record = await bus.investigations.read(INV)
    assert record is not None
    due_at = await bus.redis.zscore(bus.keys.deadlines, INV)
    assert due_at == pytest.approx(record.deadline_at.timestamp(), abs=0.001)
    await make_due(bus, -1)

    async def ended() -> bool:
        return bool(await stop_signals(bus))

    await eventually(ended)


async def test_ended_investigation_left_in_the_deadlines_gets_a_plain_card_and_its_stop_signal(
    desk: Desk, service: Service
) -> None:
    """What a diagnosis that was set aside leaves behind: ended, its id back in the set, no card."""
    bus = service.bus
    record = await placed(desk, bus)
    at = await bus.investigations.now()
    silent = end(record, "failed", at=at, reason="the model said 401")
    await bus.investigations.apply(INV, lambda _: Commit(record=silent.record))
    await bus.redis.zadd(bus.keys.deadlines, {"inc-7": at.timestamp()})

    async def closed() -> bool:
        return bool(await stop_signals(bus)) and not await bus.redis.zcard(bus.keys.deadlines)

    await eventually(closed)
    assert await events(bus, DIAGNOSES) == []
    (message,) = desk.messages
    assert message.now.blocks == []
    assert "the model said 401" in message.now.text


async def test_slack_down_hands_the_incident_back_and_posts_it_later(
    desk: Desk, service: Service
) -> None:
    bus = service.bus
    desk.faults.always = "503"
    await bus.publish(INCIDENT)

    async def tried() -> bool:
        return desk.calls("chat.postMessage") > 0

    await eventually(tried)
    desk.faults.always = ""

    async def stands() -> bool:
        return len(desk.messages) == 1 and await quiet(bus, "incidents")

    await eventually(stands, seconds=9)
    assert await events(bus, STOPS) == []


async def test_alarm_that_joins_is_shown_and_one_for_an_ended_investigation_is_not(
    desk: Desk, service: Service
) -> None:
    bus = service.bus
    record = await placed(desk, bus)
    joined = AlarmJoined(investigation_id=INV, alarm=Alarm(name="frontend-5xx", reason="9 > 5"))
    await bus.publish(joined)

    async def shown() -> bool:
        return "alarm frontend-5xx joined: 9 > 5" in desk.said()

    await eventually(shown)
    at = await bus.investigations.now()
    await bus.investigations.apply(
        record.investigation_id, lambda known: end(known, "cancelled", at=at)
    )
    late = joined.model_copy(update={"alarm": Alarm(name="too-late")})
    await bus.publish(late)

    async def settled() -> bool:
        return await quiet(bus, "updates") and bool(await stop_signals(bus))

    await eventually(settled)
    assert "too-late" not in desk.said()


async def test_feedback_stands_in_the_history_once_a_person(service: Service) -> None:
    bus = service.bus
    for useful in (True, False):
        await bus.publish(
            FeedbackGiven(investigation_id=INV, fingerprint="f-1", useful=useful, person="ada")
        )
    key = f"{bus.keys.prefix}history:f-1"

    async def stored() -> bool:
        return await bus.redis.hlen(key) == 1 and await quiet(bus, "updates")

    await eventually(stored)
    (fact,) = (await bus.redis.hgetall(key)).values()
    assert json.loads(fact)["person"] == "ada"


async def test_notice_is_one_plain_message_for_its_key(desk: Desk, service: Service) -> None:
    bus = service.bus
    for _ in range(3):
        await bus.publish(NoticeRequested(text="<!channel> a new store was begun", key="store"))

    async def settled() -> bool:
        return bool(desk.messages) and await quiet(bus, "notices")

    await eventually(settled, seconds=9)
    (message,) = desk.messages
    assert message.now.text == "&lt;!channel&gt; a new store was begun"
    assert message.now.metadata is not None
    assert message.now.metadata["event_type"] == "nightshift_notice"


async def test_readiness_is_good_while_slack_answers(service: Service) -> None:
    assert await service.health.problems() == {}


def test_missing_token_and_channel_are_named_in_one_sentence() -> None:
    with pytest.raises(NotConfigured) as refused:
        load(Settings)
    assert "SLACK_BOT_TOKEN is missing" in str(refused.value)
    assert "NIGHTSHIFT_SLACK_CHANNEL is missing" in str(refused.value)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"trace_url": "http://jaeger.test/trace"}, "must contain"),
        ({"trace_url": "javascript:{trace_id}"}, "must be an address"),
        ({"SLACK_API_URL": "slack.com"}, "must be an address"),
    ],
)
def test_addresses_that_are_none_are_refused(values: dict[str, str], reason: str) -> None:
    given = {"SLACK_BOT_TOKEN": SecretStr("x"), "slack_channel": "C1"} | values
    with pytest.raises(ValueError, match=reason):
        Settings.model_validate(given)
