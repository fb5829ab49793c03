"""A message that is one too many is taken back although Slack, or the notifier, fails at that."""

import dataclasses
import math

import pytest

from bus.errors import Retryable, Unavailable
from bus.record import Record
from bus.testing import eventually
from services.notifier import second_messages
from services.notifier.app import build
from services.notifier.ports import Turn, Unanswered
from services.notifier.report import live_card
from services.notifier.stop import signal
from tests.conftest import Start
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.records import diagnosis
from tests.notifier.slack_desk import Desk
from tests.notifier.test_second_message import closed_at_last

METHODS = ["conversations.history", "chat.delete"]


async def doubled(replica: Replica, desk: Desk) -> Record:
    """An incident with a first post that was looked for in vain, and came in after all."""
    record = await replica.open()
    desk.faults.next["chat.postMessage"] = ["503"]
    with pytest.raises(Unanswered):
        await replica.messages.place(record, live_card(record))
    await replica.messages.place(record, live_card(record))
    late = live_card(record, "investigating for ever")
    await replica.messages.slack.post(late, record.investigation_id)
    assert len(desk.messages) == 2
    return record


async def overtaken(frozen: Replica, other: Replica, *, closed: bool) -> tuple[Record, Turn]:
    """A writer froze before its first post, and another one has posted meanwhile."""
    record = await other.open()
    turn = await frozen.places.take(record.investigation_id, "place")

    async def placed() -> bool:
        try:
            await other.messages.place(record, live_card(record))
        except Unavailable:
            return False
        return True

    await eventually(placed)
    if closed:
        await other.closing.close(await other.end(record))
    return record, dataclasses.replace(turn, ends_at=math.inf)


async def swept(replica: Replica, desk: Desk) -> None:
    """Until one message stands, and nothing is owed any more."""

    async def over() -> bool:
        await replica.messages.second_messages.sweep()
        return len(desk.messages) == 1 and not await owed(replica)

    await eventually(over, seconds=8)


async def owed(replica: Replica) -> int:
    return int(await replica.bus.redis.zcard(f"{replica.bus.keys.prefix}second-messages"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", ["503", "429", "lost", "cut"])
async def test_late_post_is_taken_back_although_the_first_try_at_that_fails(
    desk: Desk, make_replica: MakeReplica, method: str, fault: str
) -> None:
    """The card and the stop signal were out, the entry was done, and two messages stood for good.

    One of them said "investigating" for ever, because a single call of the clean-up had failed.
    """
    replica = make_replica(lease_seconds=1.0)
    ended = await replica.end(await doubled(replica, desk), "diagnosed", diagnosis())
    desk.faults.next[method] = [fault]
    await replica.closing.close(ended)
    (stopped,) = await replica.stop_signals()
    written = desk.calls("chat.update")
    await swept(replica, desk)
    assert "RedisCartStore.cs" in desk.said()
    assert desk.messages[0].ts == stopped.ts
    assert len(await replica.stop_signals()) == 1
    assert desk.calls("chat.update") == written


@pytest.mark.parametrize("method", METHODS)
async def test_another_replica_takes_back_what_a_dead_one_could_not(
    desk: Desk, make_replica: MakeReplica, method: str
) -> None:
    dead, successor = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    ended = await dead.end(await doubled(dead, desk), "diagnosed", diagnosis())
    desk.faults.next[method] = ["503"]
    await dead.closing.close(ended)
    await swept(successor, desk)
    assert "RedisCartStore.cs" in desk.said()


async def test_writer_that_dies_right_after_the_stop_signal_leaves_no_second_message(
    desk: Desk, make_replica: MakeReplica
) -> None:
    dead, successor = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    ended = await dead.end(await doubled(dead, desk), "diagnosed", diagnosis())
    turn = await dead.messages.take_final(ended)
    assert turn.place is not None
    card = live_card(ended, "the final card")
    await dead.messages.slack.edit(turn.place, card, incident_id="inc-7")
    (kept,) = [message for message in desk.messages if message.ts == turn.place.ts]
    await dead.places.finish(ended.investigation_id, turn, signal=signal(ended, turn.place))
    await swept(successor, desk)
    assert desk.messages == [kept]


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("fault", ["503", "429"])
async def test_post_of_a_late_writer_is_taken_back_although_the_first_try_at_that_fails(
    desk: Desk, make_replica: MakeReplica, fault: str, closed: bool
) -> None:
    """Its writer raised, the redelivery found nothing to do, and the orphan stayed."""
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    record, woken = await overtaken(frozen, other, closed=closed)
    stands = desk.messages[0].ts
    desk.faults.next["chat.delete"] = [fault]
    await frozen.messages.edit(record, live_card(record), turn=woken)
    assert len(desk.messages) == 2
    await swept(other, desk)
    assert desk.messages[0].ts == stands
    assert (await other.slack_state("inc-7"))["ts"] == stands


async def test_final_card_in_a_second_message_is_taken_back_although_the_first_try_fails(
    desk: Desk, make_replica: MakeReplica
) -> None:
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    record, woken = await overtaken(frozen, other, closed=True)
    desk.faults.next["chat.delete"] = ["503"]
    finished = await frozen.messages.finish(record, live_card(record), turn=woken)
    assert not finished.first
    await swept(other, desk)
    assert len(await other.stop_signals()) == 1


async def test_late_post_that_nobody_saw_answered_is_found_after_all_was_in_order(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """The doubt about it had been settled, and comes up again with the writer that wakes."""
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    record, woken = await overtaken(frozen, other, closed=True)
    stands = desk.messages[0].ts
    await swept(other, desk)
    desk.faults.next["chat.postMessage"] = ["lost"]
    with pytest.raises(Retryable):
        await frozen.messages.edit(record, live_card(record), turn=woken)
    assert len(desk.messages) == 2
    await swept(other, desk)
    assert desk.messages[0].ts == stands


async def test_orphan_is_never_adopted_as_the_message(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """A person deletes the message, and whoever looks for its successor finds the orphan."""
    frozen, other = make_replica(lease_seconds=0.6), make_replica()
    record, woken = await overtaken(frozen, other, closed=False)
    desk.faults.next["chat.delete"] = ["503"]
    await frozen.messages.edit(record, live_card(record), turn=woken)
    orphan = desk.messages[1]
    desk.stand_in.messages[:] = [orphan]
    ended = await other.end(record, "diagnosed", diagnosis())
    desk.faults.next["chat.postMessage"] = ["503"]
    with pytest.raises(Unanswered):
        await other.closing.close(ended)
    await closed_at_last(other, ended)
    assert orphan not in desk.messages
    await swept(other, desk)
    assert "RedisCartStore.cs" in desk.said()


async def test_what_slack_does_not_do_for_hours_is_given_up_once(
    desk: Desk, make_replica: MakeReplica, caplog: pytest.LogCaptureFixture
) -> None:
    replica = make_replica()
    ended = await replica.end(await doubled(replica, desk))
    desk.faults.next["chat.delete"] = ["503", "503"]
    await replica.closing.close(ended)
    assert await owed(replica) == 1
    key = replica.bus.keys.of("inc-7", "slack")
    age = 1000 * (second_messages.GIVEN_UP_AFTER_SECONDS + 1)
    await replica.bus.redis.hincrby(key, "owed_at", -age)
    await replica.messages.second_messages.take_back(ended)
    assert await owed(replica) == 0
    assert "given up" in caplog.text
    assert {"doubt", "owed_at", "orphans"}.isdisjoint(await replica.slack_state("inc-7"))


@pytest.mark.parametrize("method", METHODS)
async def test_running_notifier_takes_back_what_failed_once(
    desk: Desk, make_replica: MakeReplica, start: Start, method: str
) -> None:
    replica = make_replica()
    await replica.end(await doubled(replica, desk))
    desk.faults.next[method] = ["503"]
    await start(build(replica.settings, replica.bus))

    async def alone() -> bool:
        return len(desk.messages) == 1

    await eventually(alone, seconds=8)
    assert len(await replica.stop_signals()) == 1
