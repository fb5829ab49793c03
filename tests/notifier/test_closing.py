"""The final card, then exactly one stop signal, then the root span; and what a repeat does."""

import asyncio
import contextlib
import dataclasses
import json
import math

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bus.errors import Rejected, Unavailable
from bus.events import Outcome
from bus.record import Record
from bus.testing import eventually
from bus.tracing import root_of
from services.notifier.report import final_card, live_card
from services.notifier.stop import ended as ended_or_rejected
from services.notifier.stop import last_words
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.records import OUTCOMES, diagnosis, opened
from tests.notifier.slack_desk import CHANNEL, Desk


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_every_outcome_edits_the_message_to_its_card_and_stops_once(
    desk: Desk, make_replica: MakeReplica, outcome: Outcome
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    found = diagnosis() if outcome == "diagnosed" else None
    await replica.closing.close(await replica.end(record, outcome, found))
    (message,) = desk.messages
    assert "nightshift_stop" not in json.dumps(message.now.blocks)
    (stopped,) = await replica.stop_signals()
    assert (stopped.outcome, stopped.channel, stopped.ts) == (outcome, CHANNEL, message.ts)
    assert f"/trace/{record.trace.trace_id}" in json.dumps(message.now.blocks)


async def test_card_is_the_one_message_when_none_was_placed(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.closing.close(await replica.end(record, "diagnosed", diagnosis()))
    await replica.messages.place(record, live_card(record))
    (message,) = desk.messages
    assert len(message.versions) == 1
    assert "RedisCartStore.cs" in desk.said()


async def test_repeat_writes_the_card_again_and_nothing_else(
    desk: Desk, make_replica: MakeReplica
) -> None:
    one, two = make_replica(), make_replica()
    ended = await one.end(await one.open(), "diagnosed", diagnosis())
    await asyncio.gather(one.closing.close(ended), two.closing.close(ended))
    await two.closing.close(ended)
    (message,) = desk.messages
    assert len({json.dumps(version.blocks) for version in message.versions}) == 1
    assert len(await one.stop_signals()) == 1


async def test_card_is_written_again_only_where_a_progress_edit_may_still_arrive(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    calm, disturbed = await replica.open("inc-1"), await replica.open("inc-2")
    for record in (calm, disturbed):
        await replica.messages.place(record, live_card(record))
    desk.faults.next["chat.update"] = ["lost"]
    await replica.live.show(disturbed.investigation_id, "lost edit", order="1-0")
    before = desk.calls("chat.update")
    await replica.closing.close(await replica.end(calm))
    assert desk.calls("chat.update") == before + 1
    await replica.closing.close(await replica.end(disturbed))
    assert desk.calls("chat.update") == before + 3
    assert len(await replica.stop_signals()) == 2


async def test_late_edit_of_a_frozen_writer_does_not_stand(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """A writer froze with its request on the way, and the card was written meanwhile."""
    frozen, other = make_replica(lease_seconds=0.6), make_replica(final_repeat_seconds=1.0)
    record = await other.open()
    await other.messages.place(record, live_card(record))
    turn = await frozen.places.take(record.investigation_id, "progress", order="1-0")
    ended = await other.end(record, "diagnosed", diagnosis())
    closing = asyncio.create_task(other.closing.close(ended))
    await eventually(other.stop_signals)
    assert turn.place is not None
    await frozen.messages.slack.edit(
        turn.place, live_card(record, "late edit"), incident_id="inc-7"
    )
    await closing
    assert "RedisCartStore.cs" in desk.said()
    assert "late edit" not in desk.said()
    assert len(await other.stop_signals()) == 1


async def test_edit_that_arrives_after_all_else_is_written_over_by_its_writer(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """A writer froze between its last look and Slack, longer than anybody waits for a late edit."""
    frozen = make_replica(lease_seconds=0.6, final_repeat_seconds=0.1)
    other = make_replica(lease_seconds=0.6, final_repeat_seconds=0.1)
    record = await other.open()
    await other.messages.place(record, live_card(record))
    turn = await frozen.places.take(record.investigation_id, "progress", order="1-0")
    await other.closing.close(await other.end(record, "diagnosed", diagnosis()))
    woken = dataclasses.replace(turn, ends_at=math.inf)
    await frozen.messages.edit(record, live_card(record, "late edit"), turn=woken)
    assert "late edit" in desk.said()
    await frozen.closing.repair()
    assert "late edit" not in desk.said()
    assert "RedisCartStore.cs" in desk.said()
    assert len(await other.stop_signals()) == 1


async def test_repair_that_fails_is_tried_again(make_replica: MakeReplica) -> None:
    """Redis was away for a moment, and the final card stayed covered for good."""
    replica = make_replica(final_repeat_seconds=0.0)
    record = await replica.open()
    key = replica.bus.keys.of(record.investigation_id, "record")
    await replica.bus.redis.set(key, "cannot be read", ex=600)
    replica.messages.covered.put_nowait(record.investigation_id)
    with pytest.raises(ValueError, match="is none"):
        await replica.closing.repair()
    assert replica.messages.covered.get_nowait() == record.investigation_id


@pytest.mark.parametrize("closed", [False, True])
async def test_first_message_that_arrives_after_anothers_is_taken_back(
    desk: Desk, make_replica: MakeReplica, closed: bool
) -> None:
    """A writer froze between its last look and Slack, and another one has posted meanwhile."""
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    record = await other.open()
    turn = await frozen.places.take(record.investigation_id, "place")
    await eventually(lambda: placed(other, record))
    if closed:
        await other.closing.close(await other.end(record))
    standing = [message.ts for message in desk.messages]
    woken = dataclasses.replace(turn, ends_at=math.inf)
    await frozen.messages.edit(record, live_card(record), turn=woken)
    assert [message.ts for message in desk.messages] == standing
    state = await other.slack_state(record.investigation_id)
    assert state["ts"] == standing[0]


async def placed(replica: Replica, record: Record) -> bool:
    with contextlib.suppress(Unavailable):
        await replica.messages.place(record, live_card(record))
        return True
    return False


async def test_card_that_slack_refuses_is_written_in_plain_text(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    ended = await replica.end(record, "diagnosed", diagnosis())
    turn = await replica.messages.take_final(ended)
    card = dataclasses.replace(final_card(ended), blocks=({"type": "made up"},))
    await replica.messages.finish(ended, card, turn=turn)
    (message,) = desk.messages
    assert message.now.blocks == []
    for line in ("Root cause: ", "1. Fix, ", "Evidence (", "| - old line", "Facts: "):
        assert f"\n{line}" in message.now.text
    assert len(await replica.stop_signals()) == 1


async def test_message_that_a_person_deleted_is_posted_anew_at_the_end(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    desk.stand_in.messages.clear()
    await replica.closing.close(await replica.end(record))
    (message,) = desk.messages
    assert [stopped.ts for stopped in await replica.stop_signals()] == [message.ts]


async def test_slack_down_leaves_no_stop_signal_and_a_later_try_closes(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    ended = await replica.end(record)
    desk.faults.always = "503"
    with pytest.raises(Unavailable):
        await replica.closing.close(ended)
    assert await replica.stop_signals() == []
    desk.faults.always = ""
    await replica.closing.close(ended)
    assert len(await replica.stop_signals()) == 1


async def test_root_span_has_the_records_ids_true_start_and_outcome(
    make_replica: MakeReplica,
) -> None:
    replica, spans = make_replica(), InMemorySpanExporter()
    replica.bus.tracing.provider.add_span_processor(SimpleSpanProcessor(spans))
    record = await replica.open()
    ended = await replica.end(record, "diagnosed", diagnosis())
    await replica.closing.close(ended)
    await replica.closing.close(ended)
    roots = [span for span in spans.get_finished_spans() if span.name == "investigation"]
    root = root_of("inc-7")
    for span in roots:
        assert span.context is not None
        assert f"{span.context.span_id:016x}" == root.span_id
        assert f"{span.context.trace_id:032x}" == root.trace_id
        assert span.start_time == int(record.opened_at.timestamp() * 1e9)
        assert span.attributes is not None
        assert span.attributes["nightshift.outcome"] == "diagnosed"
        assert span.attributes["nightshift.cost_usd"] == 0.0
    assert roots


async def test_conclusion_stands_in_the_history_of_its_problem(make_replica: MakeReplica) -> None:
    replica = make_replica()
    record = await replica.open(fingerprint="f-1")
    ended = await replica.end(record, "diagnosed", diagnosis())
    await replica.closing.close(ended)
    await replica.closing.close(ended)
    key = f"{replica.bus.keys.prefix}history:f-1"
    (fact,) = (await replica.bus.redis.hgetall(key)).values()
    known = json.loads(fact)
    assert (known["kind"], known["outcome"], known["component"]) == (
        "concluded",
        "diagnosed",
        "cartservice",
    )
    assert await replica.bus.redis.ttl(key) > 89 * 24 * 3600


def test_diagnosis_of_no_investigation_or_of_a_running_one_is_a_wrong_entry() -> None:
    with pytest.raises(Rejected, match="no investigation inc-7"):
        ended_or_rejected(None, "inc-7")
    with pytest.raises(Rejected, match="has not ended"):
        ended_or_rejected(opened(), "inc-7")


def test_last_words_are_the_last_text_of_the_model() -> None:
    transcript: list[dict[str, object]] = [
        {"role": "user", "content": "question"},
        {"role": "assistant", "content": [{"type": "text", "text": "I look at the logs."}]},
        {"role": "user", "content": [{"type": "text", "text": "a result"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "x"}]},
    ]
    assert last_words(transcript) == "I look at the logs."
    assert last_words([]) == ""
