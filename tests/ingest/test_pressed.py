"""What a person presses, and what a recovery ends: each once, with an honest answer."""

from bus.events import DiagnosisReached, FeedbackGiven, InvestigationId, StopRequested
from bus.streams import DIAGNOSES, STOPS, UPDATES
from bus.testing import events
from services.ingest.limits import Limits
from services.ingest.trigger import Recovered
from tests.conftest import MakeBus
from tests.ingest.shift import Shift


async def outcome_of(shift: Shift, incident_id: str) -> str | None:
    record = await shift.bus.investigations.read(InvestigationId(incident_id))
    return record.outcome if record else None


async def test_policy_stop_ends_the_investigation_as_recovered_once(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), recovery="stop")
    first = await shift.raised("cart")
    await shift.begin()
    over = Recovered(shift.alarm("cart"), service="cart-service")

    decision = await shift.triggers.take(over)
    again = await shift.triggers.take(over)

    assert (decision.outcome, decision.incident_id) == ("recovered", first.incident_id)
    assert again.outcome == "duplicate"
    assert await outcome_of(shift, first.incident_id) == "recovered"
    (reached,), (stop,) = await events(shift.bus, DIAGNOSES), await events(shift.bus, STOPS)
    assert isinstance(reached, DiagnosisReached)
    assert isinstance(stop, StopRequested)
    assert await events(shift.bus, UPDATES) == []


async def test_killed_between_the_end_and_its_note_a_recovery_is_still_told_once(
    make_bus: MakeBus,
) -> None:
    """The record was ended, and the process died before the content was marked."""
    shift = Shift(make_bus("ingest"), recovery="stop")
    first = await shift.raised("cart")
    await shift.begin()
    inv = InvestigationId(first.incident_id)
    await shift.triggers.fingerprints.end(inv, "recovered", reason="cart went back to OK")

    decision = await shift.recovered("cart")

    assert (decision.outcome, decision.incident_id) == ("recovered", first.incident_id)
    assert len(await events(shift.bus, DIAGNOSES)) == 1


async def test_policy_stop_before_there_is_a_record_is_left_to_the_reasoner(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), recovery="stop")
    await shift.raised("cart")

    await shift.recovered("cart")

    (news,) = await events(shift.bus, UPDATES)
    assert getattr(news, "policy", "") == "stop"


async def test_a_late_copy_of_an_old_recovery_does_not_end_what_opened_since(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(repeat_seconds=0), recovery="stop")
    await shift.raised("cart")
    await shift.begin()
    over = Recovered(shift.alarm("cart"), service="cart-service")
    await shift.triggers.take(over)
    second = await shift.raised("cart")
    await shift.begin()

    await shift.triggers.take(over)

    assert await outcome_of(shift, second.incident_id) is None


async def test_stop_ends_as_cancelled_once_and_says_so_honestly(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    too_soon = await shift.triggers.stop(first.incident_id, person="ada")
    await shift.begin()

    stopped = await shift.triggers.stop(first.incident_id, person="ada")
    again = await shift.triggers.stop(first.incident_id, person="bob")
    unknown = await shift.triggers.stop("inc-nowhere", person="ada")

    assert "only just being opened" in too_soon.reason
    assert (stopped.outcome, stopped.reason) == ("stopped", "stopped by ada")
    assert again.reason == f"{first.incident_id} had ended already: cancelled"
    assert unknown.reason == "there is no investigation inc-nowhere"
    assert await outcome_of(shift, first.incident_id) == "cancelled"
    assert len(await events(shift.bus, STOPS)) == 1


async def test_no_use_of_the_last_answer_lets_the_next_alarm_open_again(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    await shift.end(first.incident_id)

    decision = await shift.triggers.judge(first.incident_id, useful=False, person="ada")
    again = await shift.raised("cart")

    (said,) = await events(shift.bus, UPDATES)
    assert isinstance(said, FeedbackGiven)
    assert said.fingerprint == (await shift.incidents())[0].fingerprint
    assert "investigated again" in decision.reason
    assert again.outcome == "opened"


async def test_praise_or_a_judgement_of_an_older_answer_re_arms_nothing(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    await shift.end(first.incident_id)
    await shift.triggers.judge(first.incident_id, useful=True, person="ada")
    assert (await shift.raised("cart")).outcome == "repeated"
    await shift.pass_time(shift.limits.repeat_seconds + 1)
    second = await shift.raised("cart")
    await shift.end(second.incident_id)

    await shift.triggers.judge(first.incident_id, useful=False, person="ada")

    assert (await shift.raised("cart")).outcome == "repeated"


async def test_a_press_is_told_once_and_a_changed_mind_again(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    for useful in (True, True, False, False, True):
        await shift.triggers.judge(first.incident_id, useful=useful, person="ada")
    await shift.triggers.judge(first.incident_id, useful=True, person="bob")

    told = [each for each in await events(shift.bus, UPDATES) if isinstance(each, FeedbackGiven)]

    assert [each.useful for each in told] == [True, False, True, True]


async def test_no_use_of_what_runs_opens_nothing_beside_it_and_counts_once_it_has_ended(
    make_bus: MakeBus,
) -> None:
    """A press of an old card, or a made-up one, opened a second investigation beside the first."""
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    for begun in (False, True):
        if begun:
            await shift.begin()
        said = await shift.triggers.judge(
            first.incident_id, useful=False, person=f"ada {begun}", reason="no"
        )
        assert "nothing is opened beside it" in said.reason
        assert (await shift.raised("cart")).outcome == "joined"

    await shift.end(first.incident_id)
    assert (await shift.raised("cart")).outcome == "repeated"
    again = await shift.triggers.judge(
        first.incident_id, useful=False, person="ada True", reason="no"
    )
    assert again.outcome == "duplicate"
    assert (await shift.raised("cart")).outcome == "opened"


async def test_a_changed_mind_takes_the_second_look_back_unless_somebody_else_wants_it(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    await shift.end(first.incident_id)

    async def judged(person: str, *, useful: bool) -> None:
        await shift.triggers.judge(first.incident_id, useful=useful, person=person)

    await judged("ada", useful=False)
    await judged("ada", useful=True)
    assert (await shift.raised("cart")).outcome == "repeated"
    await judged("ada", useful=False)
    await judged("bob", useful=False)
    await judged("ada", useful=True)
    await judged("eve", useful=True)
    second = await shift.raised("cart")
    await judged("bob", useful=True)

    assert second.outcome == "opened"
    assert (await shift.raised("cart")).incident_id == second.incident_id


async def test_no_use_of_a_summary_lets_each_of_its_kinds_open_again(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_new=2))
    await shift.raised("a")
    folded = await shift.raised("b")
    await shift.pass_time(shift.limits.window_seconds + 1)

    await shift.triggers.judge(folded.incident_id, useful=False, person="ada")

    assert (await shift.raised("b")).outcome == "opened"
