"""A message that was deleted or cannot be edited is replaced once, whatever is lost on the way."""

import contextlib
from collections.abc import Awaitable, Callable

import pytest

from bus.errors import Retryable, Unavailable
from bus.record import Record
from bus.testing import eventually
from services.notifier.ports import MessageGone, Turn, Unanswered
from services.notifier.report import AGAIN, BESIDE, live_card
from services.notifier.stop import Place
from simulator.faults import Fault
from simulator.slack.store import Message
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.records import diagnosis
from tests.notifier.slack_desk import Desk

Death = Callable[[Replica, Record, Desk], Awaitable[object]]


async def placed(replica: Replica) -> Record:
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    return record


async def deleted(replica: Replica, desk: Desk) -> Record:
    """An incident whose message a person has deleted."""
    record = await placed(replica)
    desk.stand_in.messages.clear()
    return record


async def closed_at_last(replica: Replica, ended: Record) -> None:
    """Closed as its entry would be: handed back and tried again until it works."""

    async def closed() -> bool:
        with contextlib.suppress(Retryable):
            await replica.closing.close(ended)
            return True
        return False

    await eventually(closed, seconds=9)


@pytest.mark.parametrize("fault", ["lost", "cut", "mute", "hung", "503"])
async def test_unanswered_second_post_at_the_end_is_looked_up_before_the_next_one(
    desk: Desk, make_replica: MakeReplica, fault: str
) -> None:
    replica = make_replica()
    ended = await replica.end(await deleted(replica, desk), "diagnosed", diagnosis())
    desk.faults.next["chat.postMessage"] = [fault]
    with pytest.raises(Unanswered):
        await replica.closing.close(ended)
    await closed_at_last(replica, ended)
    (message,) = desk.messages
    assert "RedisCartStore.cs" in desk.said()
    assert [stopped.ts for stopped in await replica.stop_signals()] == [message.ts]


@pytest.mark.parametrize("fault", ["lost", "cut", "503"])
async def test_progress_after_an_unanswered_second_post_shows_in_one_message(
    desk: Desk, make_replica: MakeReplica, fault: str
) -> None:
    replica = make_replica()
    record = await deleted(replica, desk)
    desk.faults.next["chat.postMessage"] = [fault]
    await replica.live.show(record.investigation_id, "reading logs", order="1-0")
    await replica.live.show(record.investigation_id, "reading code", order="2-0")
    (message,) = desk.messages
    assert "reading code" in desk.said()
    assert (await replica.slack_state("inc-7"))["ts"] == message.ts


@pytest.mark.parametrize("twice", [False, True])
async def test_message_that_is_deleted_again_is_posted_anew_each_time(
    desk: Desk, make_replica: MakeReplica, twice: bool
) -> None:
    replica = make_replica()
    record = await deleted(replica, desk)
    for order in ("1-0", "2-0") if twice else ("1-0",):
        await replica.live.show(record.investigation_id, f"step {order}", order=order)
        desk.stand_in.messages.clear()
    desk.faults.next["chat.postMessage"] = ["cut"]
    ended = await replica.end(record)
    await closed_at_last(replica, ended)
    assert len(desk.messages) == 1
    assert len(await replica.stop_signals()) == 1


async def taken(replica: Replica, record: Record, desk: Desk) -> Turn:
    """Dies after it has the turn."""
    return await replica.places.take(record.investigation_id, "final")


async def refused(replica: Replica, record: Record, desk: Desk) -> Turn:
    """Dies after Slack said that the message is gone."""
    turn = await taken(replica, record, desk)
    assert turn.place is not None
    with pytest.raises(MessageGone):
        await replica.messages.slack.edit(turn.place, live_card(record), incident_id="inc-7")
    return turn


async def intended(replica: Replica, record: Record, desk: Desk) -> Turn:
    """Dies after it has recorded that another message takes its place."""
    turn = await refused(replica, record, desk)
    assert turn.place is not None
    inv = record.investigation_id
    await replica.places.replaced(inv, turn, place=turn.place, beside=False)
    return turn


async def sent(replica: Replica, record: Record, desk: Desk) -> Place:
    """Dies after Slack took the new message, before it knows where."""
    await intended(replica, record, desk)
    return await replica.messages.slack.post(live_card(record), record.investigation_id)


async def answered(replica: Replica, record: Record, desk: Desk) -> None:
    """Dies after it stored where the new message stands, before the stop signal."""
    turn = await intended(replica, record, desk)
    place = await replica.messages.slack.post(live_card(record), record.investigation_id)
    await replica.places.wrote(record.investigation_id, turn, place=place)


async def adopted(replica: Replica, record: Record, desk: Desk) -> None:
    """Dies after it found the message of one that died before it."""
    await sent(replica, record, desk)

    async def next_turn() -> Turn | None:
        turn = await replica.places.take(record.investigation_id, "final")
        return turn if turn.word == "yours" else None

    turn = await eventually(next_turn)
    assert turn is not None
    found = await replica.messages.slack.find("inc-7", record.opened_at, but=turn.left)
    assert found is not None
    await replica.places.found(record.investigation_id, turn, place=found)


@pytest.mark.parametrize("died", [taken, refused, intended, sent, answered, adopted])
async def test_death_between_any_two_steps_of_a_second_post_leaves_one_message(
    desk: Desk, make_replica: MakeReplica, died: Death
) -> None:
    dead, successor = make_replica(lease_seconds=0.5), make_replica()
    record = await deleted(dead, desk)
    ended = await dead.end(record, "diagnosed", diagnosis())
    await died(dead, record, desk)
    await closed_at_last(successor, ended)
    (message,) = desk.messages
    assert "RedisCartStore.cs" in desk.said()
    assert [stopped.ts for stopped in await successor.stop_signals()] == [message.ts]


async def test_writer_that_lost_its_turn_replaces_and_adopts_nothing(
    desk: Desk, make_replica: MakeReplica
) -> None:
    frozen, other = make_replica(lease_seconds=0.5), make_replica()
    record = await deleted(frozen, desk)
    inv = record.investigation_id
    turn = await frozen.places.take(inv, "progress", order="1-0")
    assert turn.place is not None
    await closed_at_last(other, await other.end(record))
    before = await other.slack_state("inc-7")
    with pytest.raises(Unavailable):
        await frozen.places.replaced(inv, turn, place=turn.place, beside=False)
    with pytest.raises(Unavailable):
        await frozen.places.found(inv, turn, place=turn.place)
    assert await other.slack_state("inc-7") == before
    assert len(desk.messages) == 1


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("fault", ["429", "503", "cut", "hung"])
async def test_look_up_that_fails_is_tried_again_and_never_ends_in_a_second_post(
    desk: Desk, make_replica: MakeReplica, fault: str, second: bool
) -> None:
    replica = make_replica()
    record = await (deleted(replica, desk) if second else replica.open())
    ended = await replica.end(record, "diagnosed", diagnosis())
    desk.faults.next["chat.postMessage"] = ["lost"]
    with pytest.raises(Unanswered):
        await replica.closing.close(ended)
    posts = desk.calls("chat.postMessage")
    desk.faults.next["conversations.history"] = [fault, fault]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await replica.closing.close(ended)
    assert len(desk.messages) == 1
    assert await replica.stop_signals() == []
    await closed_at_last(replica, ended)
    assert len(desk.messages) == 1
    assert desk.calls("chat.postMessage") == posts
    assert len(await replica.stop_signals()) == 1


def lock(desk: Desk, error: str, *, deletion: str) -> Message:
    """The one message cannot be edited any more; nor deleted, where an error is given."""
    (message,) = desk.messages
    for fault, method in ((error, "chat.update"), (deletion, "chat.delete")):
        if fault:
            where = f"{method} {message.ts}"
            desk.planned.plan(Fault(stand_in="slack", fault=fault, where=where, times=0))
    return message


LOCKS = ["cant_update_message", "edit_window_closed"]


@pytest.mark.parametrize("error", LOCKS)
async def test_message_that_cannot_be_edited_stays_alone_while_the_work_goes_on(
    desk: Desk, make_replica: MakeReplica, error: str
) -> None:
    replica = make_replica()
    record = await placed(replica)
    message = lock(desk, error, deletion="")
    for order in ("1-0", "2-0"):
        await replica.live.show(record.investigation_id, f"step {order}", order=order)
    assert desk.messages == [message]
    assert (await replica.slack_state("inc-7"))["ts"] == message.ts


@pytest.mark.parametrize("error", LOCKS)
@pytest.mark.parametrize("fault", ["", "lost", "503"])
async def test_message_that_cannot_be_edited_gives_way_to_the_final_card(
    desk: Desk, make_replica: MakeReplica, error: str, fault: str
) -> None:
    replica = make_replica()
    record = await placed(replica)
    locked = lock(desk, error, deletion="")
    desk.faults.next["chat.postMessage"] = [fault]
    await closed_at_last(replica, await replica.end(record, "diagnosed", diagnosis()))
    (message,) = desk.messages
    assert message is not locked
    assert "RedisCartStore.cs" in desk.said()
    assert BESIDE not in desk.said()


@pytest.mark.parametrize("refusal", ["cant_delete_message", "compliance_exports_prevent_deletion"])
@pytest.mark.parametrize("fault", ["", "lost", "cut", "503"])
async def test_message_that_can_neither_be_edited_nor_deleted_has_one_beside_it_that_says_so(
    desk: Desk, make_replica: MakeReplica, refusal: str, fault: str
) -> None:
    replica = make_replica()
    record = await placed(replica)
    locked = lock(desk, "edit_window_closed", deletion=refusal)
    desk.faults.next["chat.postMessage"] = [fault]
    ended = await replica.end(record, "diagnosed", diagnosis())
    await closed_at_last(replica, ended)
    await replica.closing.close(ended)
    assert desk.messages[0] is locked
    (message,) = desk.messages[1:]
    assert BESIDE in desk.said(1)
    assert desk.said(1).count(BESIDE) == 1
    assert "RedisCartStore.cs" in desk.said(1)
    assert [stopped.ts for stopped in await replica.stop_signals()] == [message.ts]
    assert desk.calls("chat.delete") == 1


async def test_final_card_that_can_no_longer_be_edited_stands(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    ended = await replica.end(await placed(replica), "diagnosed", diagnosis())
    await replica.closing.close(ended)
    message = lock(desk, "edit_window_closed", deletion="")
    await replica.closing.close(ended)
    assert desk.messages == [message]
    assert len(await replica.stop_signals()) == 1


async def test_plain_card_beside_a_locked_message_says_so_too(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    ended = await replica.end(await placed(replica))
    lock(desk, "edit_window_closed", deletion="cant_delete_message")
    await replica.closing.close_plainly(ended)
    assert desk.messages[1].now.text.endswith(BESIDE)


async def test_message_that_stands_again_says_that_the_earlier_one_was_deleted(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await deleted(replica, desk)
    await replica.live.show(record.investigation_id, "reading logs", order="1-0")
    assert AGAIN in desk.said()
    assert "reading logs" in desk.said()
    await replica.closing.close(await replica.end(record))
    assert len(desk.messages) == 1
    assert AGAIN in desk.said()
