"""Exactly one top-level message per incident, whatever happens between sending and storing."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bus.errors import Unavailable
from bus.testing import eventually
from services.notifier.adapters.slack import SlackChannel
from services.notifier.ports import Unanswered
from services.notifier.report import live_card
from simulator.slack.store import Message, Version
from tests.notifier.conftest import MakeReplica
from tests.notifier.slack_desk import CHANNEL, Desk


async def test_two_replicas_place_one_message_with_the_incidents_metadata(
    desk: Desk, make_replica: MakeReplica
) -> None:
    one, two = make_replica(), make_replica()
    record = await one.open()
    placing = (replica.messages.place(record, live_card(record)) for replica in (one, two) * 5)
    await asyncio.gather(*placing)
    (message,) = desk.messages
    assert message.now.metadata == {
        "event_type": "nightshift_incident",
        "event_payload": {"incident_id": "inc-7"},
    }
    assert message.unknown_arguments == []


async def test_place_is_stored_and_the_thread_points_back(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    ts = desk.messages[0].ts
    state = await replica.slack_state("inc-7")
    assert (state["state"], state["channel"], state["ts"]) == ("posted", CHANNEL, ts)
    pointer = f"{replica.bus.keys.prefix}thread:{CHANNEL}:{ts}"
    assert await replica.bus.redis.get(pointer) == b"inc-7"
    assert await replica.bus.redis.ttl(pointer) > 6 * 24 * 3600


async def test_message_sent_by_a_writer_that_died_before_storing_is_adopted(
    desk: Desk, make_replica: MakeReplica
) -> None:
    dead, successor = make_replica(lease_seconds=0.5), make_replica()
    record = await dead.open()
    await dead.places.take(record.investigation_id, "place")
    await dead.messages.slack.post(live_card(record), record.investigation_id)
    await successor.messages.place(record, live_card(record, "adopted"))
    (message,) = desk.messages
    assert "adopted" in desk.said()
    assert (await successor.slack_state("inc-7"))["ts"] == message.ts


async def test_writer_that_died_before_sending_is_followed_by_one_that_looks_and_posts(
    desk: Desk, make_replica: MakeReplica
) -> None:
    dead, successor = make_replica(lease_seconds=0.5), make_replica()
    record = await dead.open()
    await dead.places.take(record.investigation_id, "place")
    await successor.messages.place(record, live_card(record))
    assert len(desk.messages) == 1
    assert desk.calls("conversations.history") == 1


async def test_adopting_finds_the_message_among_many_others(
    desk: Desk, make_replica: MakeReplica
) -> None:
    dead, successor = make_replica(lease_seconds=0.5), make_replica()
    record = await dead.open()
    await dead.places.take(record.investigation_id, "place")
    place = await dead.messages.slack.post(live_card(record), record.investigation_id)
    for number in range(250):
        desk.stand_in.messages.append(_other(desk, number))
    await successor.messages.place(record, live_card(record))
    assert (await successor.slack_state("inc-7"))["ts"] == place.ts
    assert desk.calls("conversations.history") == 2


@pytest.mark.parametrize("fault", ["lost", "cut", "503", "500"])
async def test_unanswered_post_is_looked_up_before_the_next_one(
    desk: Desk, make_replica: MakeReplica, fault: str
) -> None:
    replica = make_replica()
    record = await replica.open()
    desk.faults.next["chat.postMessage"] = [fault]
    with pytest.raises(Unanswered):
        await replica.messages.place(record, live_card(record))
    await replica.messages.place(record, live_card(record))
    assert len(desk.messages) == 1
    assert desk.calls("conversations.history") == 1


async def test_rate_limit_is_honoured_without_asking_again_in_between(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    desk.faults.next["chat.postMessage"] = ["429"]
    waits = []
    for _ in range(3):
        with pytest.raises(Unavailable) as refused:
            await replica.messages.place(record, live_card(record))
        waits.append(refused.value.retry_in_seconds)
    assert all(0.5 < wait <= 1.2 for wait in waits)
    assert desk.calls("chat.postMessage") == 1
    assert "state" not in await replica.slack_state("inc-7")


async def test_slack_that_cannot_be_reached_counts_against_nothing_and_shows_in_readiness(
    make_replica: MakeReplica,
) -> None:
    replica = make_replica(slack_api_url="http://127.0.0.1:9/api/")
    record = await replica.open()
    with pytest.raises(Unavailable, match="cannot be reached") as refused:
        await replica.messages.place(record, live_card(record))
    assert not isinstance(refused.value, Unanswered)
    assert isinstance(replica.messages.slack, SlackChannel)
    assert "cannot be reached" in await replica.messages.slack.problem()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"slack_channel": "C0ELSEWHERE"}, "NIGHTSHIFT_SLACK_CHANNEL must be its id"),
        ({"slack_bot_token": SecretStr("wrong")}, "set SLACK_BOT_TOKEN"),
    ],
)
async def test_wrong_token_or_channel_waits_and_names_what_to_set(
    make_replica: MakeReplica, values: dict[str, object], sentence: str
) -> None:
    replica = make_replica(**values)
    record = await replica.open()
    with pytest.raises(Unavailable, match=sentence) as refused:
        await replica.messages.place(record, live_card(record))
    assert refused.value.retry_in_seconds > 10


async def test_writer_whose_turn_is_nearly_over_sends_nothing(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    turn = await replica.places.take(record.investigation_id, "final")
    late = replace(turn, ends_at=0.0)
    with pytest.raises(Unavailable, match="nearly over"):
        await replica.messages.finish(record, live_card(record), turn=late)
    assert desk.messages == []


async def test_turns_exclude_each_other_until_the_lease_is_over(make_replica: MakeReplica) -> None:
    one, two = make_replica(lease_seconds=0.5), make_replica(lease_seconds=0.5)
    record = await one.open()
    inv = record.investigation_id
    first = await one.places.take(inv, "place")
    second = await two.places.take(inv, "final")
    assert (first.word, second.word) == ("yours", "busy")
    assert 0 < second.wait_seconds <= 0.5

    async def taken_over() -> bool:
        return (await two.places.take(inv, "final")).word == "yours"

    assert await eventually(taken_over)


def _other(desk: Desk, number: int) -> Message:
    ts = desk.stand_in.next_ts()
    return Message(CHANNEL, ts, [Version(ts, f"chatter {number}")])


async def test_post_that_arrives_after_it_was_looked_for_is_taken_back_at_the_end(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """A network may carry a request long after its sender gave up.

    The next writer looks, finds nothing, and posts; then the first post arrives after all.
    """
    replica = make_replica()
    record = await replica.open()
    inv = record.investigation_id
    desk.faults.next["chat.postMessage"] = ["503"]
    with pytest.raises(Unanswered):
        await replica.messages.place(record, live_card(record))
    await replica.messages.place(record, live_card(record))
    stands = desk.messages[0].ts
    await replica.messages.slack.post(live_card(record, "late"), inv)
    assert len(desk.messages) == 2
    turn = await replica.messages.take_final(record)
    await replica.messages.finish(record, live_card(record, "at the end"), turn=turn)
    assert [message.ts for message in desk.messages] == [stands]
    assert "at the end" in desk.said()


async def test_message_that_was_never_in_doubt_is_not_looked_for(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    turn = await replica.messages.take_final(record)
    await replica.messages.finish(record, live_card(record), turn=turn)
    assert desk.calls("conversations.history") == 0
