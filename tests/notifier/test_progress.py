"""The live message: newest only, not too often, never over the final card."""

import asyncio

from bus.testing import eventually
from services.notifier.report import live_card
from tests.notifier.conftest import MakeReplica
from tests.notifier.slack_desk import Desk


async def test_progress_edits_the_one_message(desk: Desk, make_replica: MakeReplica) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    await replica.live.show(record.investigation_id, "turn 1: reading logs", order="5-0")
    assert len(desk.messages) == 1
    assert "turn 1: reading logs" in desk.said()
    assert " s of at most 5 min 0 s · turn 1 · 0 tool calls · $0.0000 so far" in desk.said()


async def test_burst_of_progress_shows_the_newest_and_edits_seldom(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica(progress_seconds=0.4)
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    orders = (f"{number}-0" for number in range(1, 21))
    inv = record.investigation_id
    await asyncio.gather(
        *(replica.live.show(inv, f"step {order}", order=order) for order in orders)
    )
    assert "step 20-0" in desk.said()
    assert desk.calls("chat.update") <= 3


async def test_older_progress_is_dropped(desk: Desk, make_replica: MakeReplica) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    await replica.live.show(record.investigation_id, "newer", order="20-0")
    await replica.live.show(record.investigation_id, "older", order="3-0")
    assert "newer" in desk.said()
    assert desk.calls("chat.update") == 1


async def test_progress_before_the_message_stands_is_dropped_but_remembered(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.live.show(record.investigation_id, "reading logs", order="5-0")
    assert desk.faults.happened == []
    await replica.closing.close(await replica.end(record, "timed_out"))
    assert "reading logs" in desk.said()


async def test_progress_after_the_end_is_dropped(desk: Desk, make_replica: MakeReplica) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    ended = await replica.end(record)
    await replica.live.show(record.investigation_id, "too late", order="5-0")
    await replica.closing.close(ended)
    await replica.live.show(record.investigation_id, "far too late", order="6-0")
    assert all("too late" not in version.text for version in desk.messages[0].versions)
    assert desk.calls("chat.update") == 1


async def test_progress_after_the_final_card_gets_no_turn(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """Also where its writer read the record before it ended."""
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    await replica.closing.close(await replica.end(record))
    turn = await replica.places.take(record.investigation_id, "progress", order="6-0")
    assert turn.word == "done"


async def test_progress_that_waited_while_the_work_ended_is_dropped(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica(progress_seconds=0.5)
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    await replica.live.show(record.investigation_id, "first", order="1-0")
    waiting = asyncio.create_task(replica.live.show(record.investigation_id, "second", order="2-0"))

    async def remembered() -> bool:
        return (await replica.slack_state("inc-7")).get("activity") == "second"

    await eventually(remembered)
    await replica.end(record)
    await waiting
    assert "second" not in desk.said()


async def test_progress_that_slack_refuses_is_dropped_and_leaves_the_message_to_others(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    desk.faults.next["chat.update"] = ["429"]
    await replica.live.show(record.investigation_id, "refused", order="1-0")
    assert "owner" not in await replica.slack_state("inc-7")
