"""Two owners of one turn, records that move meanwhile, turns not due, and updates."""

import asyncio
from datetime import UTC, datetime

import pytest

from bus.envelope import Entry
from bus.events import Alarm, AlarmJoined, AlarmRecovered, FeedbackGiven, TurnDue
from bus.record import Commit, Record
from bus.streams import DIAGNOSES, STOPS, TURNS, UPDATES
from bus.testing import all_settled, events, eventually
from tests.reasoner.conftest import INV, LOGS, Loop, MakeLoop
from tests.reasoner.model_desk import Said, asks, submits

JOINED = AlarmJoined(investigation_id=INV, alarm=Alarm(name="frontend-errors", reason="5 of 5"))


def recovered(policy: str) -> AlarmRecovered:
    return AlarmRecovered.model_validate(
        {
            "investigation_id": INV,
            "alarm_name": "cart-errors",
            "recovered_at": datetime(2026, 11, 24, tzinfo=UTC),
            "policy": policy,
        }
    )


def moved(record: Record) -> Commit:
    return Commit(record=record.changed(notes=record.notes | {"moved": "yes"}))


async def asked(loop: Loop, times: int) -> None:
    async def met() -> bool:
        return len(loop.desk.bodies) >= times

    await eventually(met)


async def handled(loop: Loop, stream_entries: int) -> None:
    """The reasoner has read that many entries of `turns` and owns none."""

    async def met() -> bool:
        length = await loop.bus.redis.xlen(loop.bus.keys.stream(TURNS))
        return length == stream_entries and await all_settled(loop.bus, TURNS, group="reasoner")

    await eventually(met)


async def test_a_record_that_moves_during_the_call_costs_no_second_call(
    make_loop: MakeLoop,
) -> None:
    held = asyncio.Event()
    loop = await make_loop(Said(submits().blocks, "tool_use", held=held))
    await loop.open()
    await asked(loop, 1)
    await loop.bus.investigations.apply(INV, moved)
    held.set()
    record = await loop.ended()
    assert (record.outcome, len(loop.desk.bodies)) == ("diagnosed", 1)
    assert record.notes["moved"] == "yes"


async def test_two_replicas_with_one_turn_send_the_same_bytes_and_commit_one_reply(
    make_loop: MakeLoop,
) -> None:
    held = asyncio.Event()
    loop = await make_loop(Said(submits().blocks, "tool_use", held=held), replicas=2)
    await loop.open()
    await asked(loop, 1)
    await loop.bus.publish(TurnDue(investigation_id=INV, turn=1))
    await asked(loop, 2)
    held.set()
    record = await loop.ended()
    assert (record.spend.model_calls, len(loop.desk.raw)) == (1, 2)
    assert loop.desk.raw[0] == loop.desk.raw[1]
    assert len(await loop.bus.investigations.transcript(INV)) == 2
    assert len(await events(loop.bus, DIAGNOSES)) == 1

    async def both_settled() -> bool:
        (key,) = [key async for key in loop.bus.redis.scan_iter(f"{loop.bus.keys.prefix}spend:*")]
        spent = await loop.bus.redis.hgetall(key)
        return set(spent) == {b"spent"} and abs(float(spent[b"spent"]) - 0.006) < 1e-9

    await eventually(both_settled)


async def test_a_turn_that_is_not_due_asks_nobody(make_loop: MakeLoop) -> None:
    loop = await make_loop(submits())
    await loop.open()
    await loop.ended()
    await loop.bus.publish(TurnDue(investigation_id=INV, turn=1))
    await handled(loop, 2)
    assert len(loop.desk.bodies) == 1


async def test_an_investigation_that_was_ended_during_the_call_stays_ended(
    make_loop: MakeLoop,
) -> None:
    held = asyncio.Event()
    loop = await make_loop(Said(submits().blocks, "tool_use", held=held))
    await loop.open()
    await asked(loop, 1)
    await loop.bus.publish(recovered("stop"))
    record = await loop.ended()
    held.set()
    await handled(loop, 1)
    assert (record.outcome, await loop.bus.investigations.transcript(INV)) == ("recovered", [])
    assert len(await events(loop.bus, STOPS)) == 1


async def test_a_joined_alarm_is_shown_once_in_the_next_turn(make_loop: MakeLoop) -> None:
    held = asyncio.Event()
    first = Said(asks((LOGS, {})).blocks, "tool_use", held=held)
    loop = await make_loop(first, asks((LOGS, {"n": 2})), submits())
    await loop.open()
    await asked(loop, 1)
    await loop.bus.publish(JOINED)
    await loop.until(lambda record: len(record.updates) == 1)
    held.set()
    record = await loop.ended()
    assert record.updates_shown == 1
    shown = [raw.count(b"frontend-errors") for raw in loop.desk.raw]
    assert shown == [0, 1, 1]


async def test_an_alarm_that_joins_in_the_last_turn_is_known_to_be_unseen(
    make_loop: MakeLoop,
) -> None:
    held = asyncio.Event()
    loop = await make_loop(Said(submits().blocks, "tool_use", held=held))
    await loop.open()
    await asked(loop, 1)
    await loop.bus.publish(JOINED)
    await loop.until(lambda record: len(record.updates) == 1)
    held.set()
    record = await loop.ended()
    assert (record.outcome, len(record.updates), record.updates_shown) == ("diagnosed", 1, 0)


async def test_a_recovery_with_policy_finish_small_makes_the_next_turn_conclude(
    make_loop: MakeLoop,
) -> None:
    held = asyncio.Event()
    first = Said(asks((LOGS, {})).blocks, "tool_use", held=held)
    loop = await make_loop(first, submits())
    await loop.open()
    await asked(loop, 1)
    await loop.bus.publish(recovered("finish small"))
    await loop.until(lambda record: record.concluding == "recovered")
    held.set()
    record = await loop.ended()
    assert record.outcome == "diagnosed"
    assert b"the alarm has recovered" in loop.desk.raw[1]


async def test_a_recovery_with_policy_continue_only_informs(make_loop: MakeLoop) -> None:
    held = asyncio.Event()
    first = Said(asks((LOGS, {})).blocks, "tool_use", held=held)
    loop = await make_loop(first, submits())
    await loop.open()
    await asked(loop, 1)
    await loop.bus.publish(recovered("continue"))
    await loop.until(lambda record: len(record.updates) == 1)
    held.set()
    record = await loop.ended()
    assert (record.concluding, len(loop.called)) == ("", 1)


@pytest.mark.timeout(30)
async def test_an_update_waits_for_its_incident(make_loop: MakeLoop) -> None:
    held = asyncio.Event()
    loop = await make_loop(Said(submits().blocks, "tool_use", held=held))
    await loop.bus.publish(JOINED)

    async def handed_back() -> bool:
        waiting = await loop.bus.redis.xpending(loop.bus.keys.stream(UPDATES), "reasoner")
        return bool(waiting["pending"] == 1)

    await eventually(handed_back)
    await loop.open()
    await loop.until(lambda record: len(record.updates) == 1, 20)
    held.set()
    await loop.ended()


async def test_feedback_is_acknowledged(make_loop: MakeLoop) -> None:
    loop = await make_loop(submits())
    feedback = FeedbackGiven(investigation_id=INV, fingerprint="f", useful=True, person="U1")
    entry_id = await loop.bus.publish(feedback)
    assert Entry(stream=UPDATES, group="reasoner", entry_id=entry_id, fields={}).written_at

    async def read() -> bool:
        return await all_settled(loop.bus, UPDATES, group="reasoner")

    await eventually(read)
