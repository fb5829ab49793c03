"""What people say of a diagnosis is kept once a person, and what comes too late ends well."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from bus.connection import as_text
from bus.errors import Rejected
from bus.events import (
    DiagnosisReached,
    FeedbackGiven,
    IncidentOpened,
    InvestigationId,
    InvestigationStopped,
    StopRequested,
)
from bus.process import Service
from bus.record import Record, end
from bus.streams import DIAGNOSES, STOPS, UPDATES
from bus.testing import all_settled, dead_letters, events, eventually
from services.notifier.adapters.redis_feedback import RedisFeedback
from services.notifier.feedback import counted, judgement
from services.notifier.ports import Said
from tests.notifier.conftest import MakeReplica
from tests.notifier.records import ended
from tests.notifier.slack_desk import Desk

AT = datetime(2026, 11, 30, 3, tzinfo=UTC)
INV = InvestigationId("inc-7")


def given(useful: bool, person: str = "U1", **fields: str) -> FeedbackGiven:
    values = {"investigation_id": INV, "fingerprint": "", "useful": useful, "person": person}
    return FeedbackGiven.model_validate(values | fields)


async def keep(
    feedback: RedisFeedback, event: FeedbackGiven, number: int, *, record: Record | None = None
) -> Said:
    facts = judgement(event, record, at=AT)
    return await feedback.keep(facts, order=f"{1_790_000_000_000 + number}-0")


async def test_same_press_counts_once_and_a_changed_mind_moves_the_count(
    make_replica: MakeReplica,
) -> None:
    bus = make_replica().bus
    feedback = RedisFeedback(bus.redis, bus.keys)
    pressed = [("U1", True), ("U1", True), ("U2", True), ("U1", False), ("U1", False)]
    counts: Counter[tuple[str, str]] = Counter()
    said = []
    for number, (person, useful) in enumerate(pressed):
        said.append(await keep(feedback, given(useful, person), number))
        if labels := counted(said[-1], useful="yes" if useful else "no"):
            counts[labels["useful"], labels["changed"]] += 1
    assert said == ["first", "same", "first", "changed", "same"]
    assert counts == {("yes", "no"): 2, ("no", "yes"): 1}
    useful_now = counts["yes", "no"] + counts["yes", "yes"] - counts["no", "yes"]
    assert useful_now == 1


async def test_judgement_that_is_delivered_late_or_twice_replaces_no_later_one(
    make_replica: MakeReplica,
) -> None:
    bus = make_replica().bus
    feedback = RedisFeedback(bus.redis, bus.keys)
    assert await keep(feedback, given(False, reason="wrong service"), 9) == "first"
    assert await keep(feedback, given(False, reason="wrong service"), 9) == "older"
    assert await keep(feedback, given(True), 8) == "older"
    assert await keep(feedback, given(False), 12) == "same"
    assert await keep(feedback, given(True), 11) == "older"
    own = bus.keys.of(INV, "feedback")
    assert json.loads(as_text(await bus.redis.hget(own, "U1")))["reason"] == "wrong service"
    assert await keep(feedback, given(False, reason="wrong file, too"), 13) == "same"
    assert json.loads(as_text(await bus.redis.hget(own, "U1")))["reason"] == "wrong file, too"


async def test_judgement_stands_with_what_it_is_about_and_in_the_history_of_its_problem(
    make_replica: MakeReplica,
) -> None:
    bus = make_replica().bus
    feedback = RedisFeedback(bus.redis, bus.keys)
    about = ended("diagnosed")
    await keep(feedback, given(True, fingerprint="stale"), 1, record=about)
    own, problem = bus.keys.of(INV, "feedback"), f"{bus.keys.prefix}history:f-1"
    kept = await bus.redis.hget(problem, f"feedback:{INV}:U1")
    assert kept == await bus.redis.hget(own, "U1")
    facts = json.loads(as_text(kept))
    assert (facts["service"], facts["outcome"], facts["verdict"], facts["fingerprint"]) == (
        *("cartservice", "diagnosed", "fault", "f-1"),
    )
    assert datetime.fromisoformat(facts["at"]).tzinfo is not None
    for key in (own, problem, f"{bus.keys.prefix}feedback"):
        assert await bus.redis.ttl(key) > 89 * 24 * 3600
    assert await bus.redis.zrange(f"{bus.keys.prefix}feedback", 0, -1) == [b"inc-7"]


def test_event_that_names_no_investigation_is_a_wrong_entry() -> None:
    with pytest.raises(Rejected, match="no investigation's id"):
        judgement(given(True, investigation_id="a:b"), None, at=AT)


async def test_buttons_of_an_ended_or_unknown_investigation_end_well_and_are_seen(
    desk: Desk, service: Service
) -> None:
    """What ingest may send after a press: late, twice, or of a card whose record is gone."""
    bus = service.bus
    incident = IncidentOpened(service="cartservice", summary="500", incident_id=INV)
    await bus.publish(incident)

    async def opened() -> bool:
        return await bus.investigations.read(INV) is not None and bool(desk.messages)

    await eventually(opened)
    at = await bus.investigations.now()
    over = end(await _record(service), "cancelled", at=at, reason="stopped by U1")
    await bus.investigations.apply(INV, lambda _: over)
    await eventually(lambda: all_settled(bus, DIAGNOSES, group="notifier"))
    shown = desk.said()
    for inv in (INV, "inc-gone"):
        stop = StopRequested(investigation_id=InvestigationId(inv), outcome="cancelled")
        await bus.publish(stop)
        for _ in range(2):
            await bus.publish(given(True, investigation_id=inv))
    await bus.publish(DiagnosisReached(investigation_id=INV, outcome="cancelled"))
    await bus.publish(
        DiagnosisReached(investigation_id=InvestigationId("inc-gone"), outcome="cancelled")
    )

    async def settled() -> bool:
        left = await bus.redis.zcard(bus.keys.deadlines)
        streams = [await all_settled(bus, each, group="notifier") for each in (UPDATES, DIAGNOSES)]
        return all(streams) and left == 0

    await eventually(settled)
    assert desk.said() == shown
    assert len(desk.messages) == 1
    stopped = [e for e in await events(bus, STOPS) if isinstance(e, InvestigationStopped)]
    assert [(e.investigation_id, e.ts) for e in stopped] == [(INV, desk.messages[0].ts)]
    assert await dead_letters(bus, UPDATES) == []
    (letter,) = await dead_letters(bus, DIAGNOSES)
    assert "no investigation inc-gone" in letter.reason
    for inv, outcome in ((INV, "cancelled"), ("inc-gone", None)):
        (fact,) = (await bus.redis.hgetall(bus.keys.of(inv, "feedback"))).values()
        assert json.loads(fact).get("outcome") == outcome


async def _record(service: Service) -> Record:
    record = await service.bus.investigations.read(INV)
    assert record is not None
    return record
