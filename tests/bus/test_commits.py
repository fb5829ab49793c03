"""Read, decide, commit: on a real Redis."""

import asyncio

from bus.broker import Bus
from bus.envelope import Entry
from bus.events import IncidentOpened, TurnDue
from bus.record import Commit, Record, end
from bus.streams import DIAGNOSES, INCIDENTS, TURNS
from bus.testing import entries, events
from tests.bus.incidents import (
    OPENED_AT,
    a_record,
    an_entry,
    an_incident,
    closing,
    opened,
    waiting_for,
)
from tests.conftest import MakeBus


async def pending(bus: Bus) -> int:
    summary = await bus.redis.xpending(bus.keys.stream(INCIDENTS), "reasoner")
    return int(summary["pending"])


async def delivered(bus: Bus, incident: IncidentOpened) -> Entry:
    key = bus.keys.stream(INCIDENTS)
    await bus.redis.xgroup_create(key, "reasoner", id="0", mkstream=True)
    entry = await an_entry(bus, incident)
    await bus.redis.xreadgroup("reasoner", "r1", {key: ">"})
    return entry


async def test_twenty_openers_of_one_incident_make_one_record_and_one_due_turn(
    make_bus: MakeBus,
) -> None:
    bus = make_bus("reasoner")
    entry = await an_entry(bus, an_incident())
    records = await asyncio.gather(
        *(bus.investigations.open(an_incident(), entry, acknowledge=False) for _ in range(20))
    )
    assert len({record.nonce for record in records}) == 1
    assert await events(bus, TURNS) == [
        TurnDue(investigation_id=records[0].investigation_id, turn=1)
    ]


async def test_open_cleans_texts_and_stores_what_came_with_the_trigger(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    incident = an_incident().model_copy(
        update={"summary": "bad\x1b[31m\u202e text", "attachments": {"lines": "one\u200b\ntwo"}}
    )
    record = await bus.investigations.open(
        incident, await an_entry(bus, incident), acknowledge=False
    )
    assert record.incident.summary == "bad text"
    result = await bus.results.read(record.investigation_id, "trigger:lines")
    assert result is not None
    assert result.whole == "one\ntwo"
    assert "2| two" in result.shown


async def test_commit_writes_state_events_and_acknowledgement_together(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    entry = await delivered(bus, an_incident())
    await bus.investigations.open(an_incident(), entry, acknowledge=False)
    inv = a_record().investigation_id
    await bus.investigations.apply(
        inv, lambda record: end(record, "inconclusive", at=OPENED_AT), entry=entry
    )
    record = await bus.investigations.read(inv)
    assert record is not None
    assert record.state == "ended"
    assert len(await events(bus, DIAGNOSES)) == 1
    assert await pending(bus) == 0
    assert await bus.redis.zscore(bus.keys.deadlines, inv) is None


async def test_stale_decision_is_taken_again_and_acknowledges_nothing_before(
    make_bus: MakeBus,
) -> None:
    """Results of one turn race on one version; the loser is not a duplicate.

    An early version of this script acknowledged on a stale version. Killed at that instant, the
    loser's call stayed open for ever with nothing pending.
    """
    bus = make_bus("reasoner")
    entry = await delivered(bus, an_incident())
    await bus.investigations.open(an_incident(), entry, acknowledge=False)
    inv = a_record().investigation_id
    await bus.investigations.apply(inv, lambda record: Commit(record=waiting_for("1-1", "1-2")))
    seen: list[int] = []
    left_pending: list[int] = []
    overtaken = asyncio.Event()

    async def overtake() -> None:
        other = make_bus("reasoner")
        await other.investigations.apply(inv, lambda record: closing(record, "1-2"))
        left_pending.append(await pending(other))
        overtaken.set()

    stale = await bus.investigations.read(inv)
    assert stale is not None
    await overtake()

    def decide(record: Record) -> Commit:
        seen.append(record.version)
        return closing(record, "1-1")

    assert not await bus.investigations.commit(stale, closing(stale, "1-1"), entry=entry)
    assert await pending(bus) == 1
    record = await bus.investigations.apply(inv, decide, entry=entry)
    assert record is not None
    assert record.open_calls == ()
    assert left_pending == [1]
    assert await pending(bus) == 0


async def test_a_known_record_is_decided_about_unread_and_read_once_it_is_stale(
    make_bus: MakeBus,
) -> None:
    """A reply that came in decides on the record it was asked with; others may have moved it on."""
    bus = make_bus("reasoner")
    entry = await delivered(bus, an_incident())
    await bus.investigations.open(an_incident(), entry, acknowledge=False)
    known = await bus.investigations.read(a_record().investigation_id)
    assert known is not None
    inv, seen = known.investigation_id, list[int]()

    def count(record: Record) -> Commit:
        seen.append(record.version)
        return Commit(record=record.changed(updates_shown=record.updates_shown + 1))

    first = await bus.investigations.apply(inv, count, known=known)
    assert (seen, await bus.investigations.read(inv)) == ([1], first)
    second = await bus.investigations.apply(inv, count, known=known, entry=entry)
    assert (seen, await bus.investigations.read(inv)) == ([1, 1, 2], second)
    assert second is not None
    assert second.updates_shown == 2
    assert await pending(bus) == 0


async def test_no_effect_on_a_known_record_is_decided_again_before_the_entry_is_acknowledged(
    make_bus: MakeBus,
) -> None:
    bus = make_bus("reasoner")
    entry = await delivered(bus, an_incident())
    known = await bus.investigations.open(an_incident(), entry, acknowledge=False)
    inv, seen = known.investigation_id, list[int]()
    await bus.investigations.apply(inv, lambda record: Commit(record=waiting_for("1-1")))

    def decide(record: Record) -> Commit | None:
        seen.append(record.version)
        return closing(record, "1-1") if record.open_calls else None

    after = await bus.investigations.apply(inv, decide, known=known, entry=entry)
    assert after is not None
    assert (seen, after.open_calls, await pending(bus)) == ([1, 2], (), 0)


async def test_only_the_results_that_are_asked_for_are_read(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    incident = an_incident().model_copy(update={"attachments": {"a": "one", "b": "two"}})
    record = await bus.investigations.open(
        incident, await an_entry(bus, incident), acknowledge=False
    )
    inv = record.investigation_id
    assert set(await bus.results.shown(inv)) == {"trigger:a", "trigger:b"}
    assert set(await bus.results.shown(inv, ["trigger:b", "1-1"])) == {"trigger:b"}
    assert await bus.results.shown(inv, []) == {}


async def test_two_hundred_racing_decisions_all_take_effect_once(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    record = await opened(bus)

    def count(record: Record) -> Commit:
        return Commit(record=record.changed(updates_shown=record.updates_shown + 1))

    inv = record.investigation_id
    await asyncio.gather(*(bus.investigations.apply(inv, count) for _ in range(60)))
    after = await bus.investigations.read(inv)
    assert after is not None
    assert after.updates_shown == 60
    assert after.version == 61


async def test_transcript_is_what_was_appended_verbatim(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    record = await opened(bus)
    message: dict[str, object] = {
        "role": "user",
        "content": [{"type": "text", "text": "Fenêtre \u2603"}],
    }
    await bus.investigations.apply(
        record.investigation_id, lambda record: Commit(record=record, transcript=(message,))
    )
    assert await bus.investigations.transcript(record.investigation_id) == [message]


async def test_entries_of_a_commit_lie_in_the_incidents_trace(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    record = await opened(bus)
    written = await entries(bus, TURNS)
    assert [entry.fields["traceparent"] for entry in written] == [record.trace.traceparent]


async def test_reservation_is_replaced_by_what_was_spent(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    record = await opened(bus)
    day = bus.keys.spend("2026-11-24")
    await bus.redis.hset(day, mapping={"inc-1:1": "0.5"})
    await bus.redis.expire(day, 60)
    await bus.investigations.apply(
        record.investigation_id,
        lambda record: Commit(
            record=record, spend_day="2026-11-24", reservation="inc-1:1", spent_usd=0.03
        ),
    )
    assert await bus.redis.hgetall(day) == {b"spent": b"0.03"}


async def test_commit_leaves_what_a_newer_version_wrote_as_it_was(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    await opened(bus)
    inv = a_record().investigation_id
    key = bus.keys.of(inv, "record")
    later = {"schema_version": "1.9", "colour": '{"red": 1}'}
    await bus.redis.hset(key, mapping=dict(later.items()))
    await bus.investigations.apply(inv, lambda record: end(record, "failed", at=OPENED_AT))
    record = await bus.investigations.read(inv)
    assert record is not None
    assert record.outcome == "failed"
    left = await bus.redis.hmget(key, list(later))
    assert left == [text.encode() for text in later.values()]


async def test_incident_with_very_many_attachments_has_its_deadline_and_all_of_them(
    make_bus: MakeBus,
) -> None:
    """The script failed in the middle of them: a record stood, with no deadline and for ever."""
    bus = make_bus("reasoner")
    many = {f"part-{number}": str(number) for number in range(2000)}
    incident = an_incident().model_copy(update={"attachments": many})
    entry = await an_entry(bus, an_incident())
    record = await bus.investigations.open(incident, entry, acknowledge=False)
    inv = record.investigation_id
    assert await bus.redis.zscore(bus.keys.deadlines, inv) is not None
    assert await bus.redis.ttl(bus.keys.of(inv, "record")) > 0
    last = await bus.results.read(inv, "trigger:part-1999")
    assert last is not None
    assert last.whole == "1999"


async def test_only_the_step_that_ends_takes_the_deadline_out(make_bus: MakeBus) -> None:
    """An ended investigation was in the set again, for its card; a dead letter took it out."""
    bus = make_bus("reasoner")
    record = await opened(bus)
    inv = record.investigation_id
    ended = await bus.investigations.apply(inv, lambda stands: end(stands, "failed", at=OPENED_AT))
    assert ended is not None
    assert await bus.redis.zscore(bus.keys.deadlines, inv) is None
    await bus.redis.zadd(bus.keys.deadlines, {inv: 1.0})
    assert await bus.investigations.commit(ended, Commit(record=ended))
    assert await bus.redis.zscore(bus.keys.deadlines, inv) == 1.0
