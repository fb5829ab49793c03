"""Storms: what may not be investigated one by one becomes one summary that lists it all."""

import itertools
from datetime import UTC, datetime

from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    IncidentId,
    IncidentOpened,
    NoticeRequested,
    Severity,
)
from bus.streams import NOTICES, UPDATES
from bus.testing import events
from services.ingest.limits import MOST_KINDS, Limits
from services.ingest.summary import LISTED_BYTES, Gathered, Kind, summary_of
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

SMALL = Limits(max_new=3)
"""Two ordinary problems and a critical one in a window."""


async def stormed(shift: Shift, *names: str) -> list[str]:
    """What became of an alarm of each name."""
    return [(await shift.raised(name)).outcome for name in names]


async def opened_summary(shift: Shift) -> IncidentOpened:
    """The summary, after it has gathered."""
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()
    return (await shift.incidents())[-1]


async def test_twenty_kinds_and_a_critical_one_are_twenty_investigations_and_one_summary(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"))
    for round_number in range(5):
        await stormed(shift, *(f"kind-{number}" for number in range(20)))
        if round_number == 2:
            critical = await shift.raised("worst", severity="critical")
    summary = await opened_summary(shift)

    incidents = await shift.incidents()
    assert critical.outcome == "opened"
    assert len(incidents) == 21
    assert "kind-19 (kind-19-service, 5x)" in summary.summary
    total = [await shift.counted(str(each.incident_id)) for each in incidents]
    assert sum(sum(counts.values()) for counts in total) == 5 * 20 + 1


async def test_beyond_the_window_alarms_gather_in_one_summary_that_lists_each_kind(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), SMALL)

    assert await stormed(shift, *"abcde") == ["opened"] * 2 + ["folded"] * 3
    await shift.draining.drain()
    assert len(await shift.incidents()) == 2, "it gathers for a while"
    summary = await opened_summary(shift)
    await shift.draining.drain()

    assert len(await shift.incidents()) == 3
    assert summary.trigger == "cloudwatch"
    assert summary.service == "3 services: c-service, d-service, e-service"
    lines = summary.attachments["held"].splitlines()
    assert lines[0] == "3 alarms of 3 kinds: 3 error"
    assert [line.split()[2] for line in lines[1:]] == ["c:", "d:", "e:"]
    (notice,) = await events(shift.bus, NOTICES)
    assert isinstance(notice, NoticeRequested)
    assert str(summary.incident_id) in notice.text


async def test_the_summary_is_as_severe_as_the_worst_that_it_holds(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    await stormed(shift, "a", "b")
    grades: tuple[Severity, ...] = ("info", "warning", "info")
    for number, severity in enumerate(grades):
        await shift.raised(f"c{number}", severity=severity)

    assert (await opened_summary(shift)).severity == "warning"


async def test_a_kind_that_comes_later_joins_the_running_summary_and_repeats_are_counted(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    await stormed(shift, *"abcd")
    summary = await opened_summary(shift)
    await shift.begin()

    late = await shift.raised("late")
    again = await shift.raised("late")

    (joined,) = await events(shift.bus, UPDATES)
    assert isinstance(joined, AlarmJoined)
    assert (joined.investigation_id, joined.alarm.name) == (summary.incident_id, "late")
    assert late.incident_id == again.incident_id == summary.incident_id
    counts = await shift.counted(str(summary.incident_id))
    assert counts == {"opened": 0, "folded": 4}


async def test_new_kinds_after_the_summary_has_ended_gather_in_a_second_one(
    make_bus: MakeBus,
) -> None:
    """They went into the one that had ended: one notice, and nobody looked at them."""
    shift = Shift(make_bus("ingest"), SMALL)
    await stormed(shift, *"abcd")
    summary = await opened_summary(shift)
    await shift.end(str(summary.incident_id))

    known = await shift.raised("c")
    late = await shift.raised("late")
    await stormed(shift, "later")
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()
    assert len(await shift.incidents()) == 3, "the second one of a window gathers twice as long"
    second = await opened_summary(shift)

    assert known.incident_id == summary.incident_id
    assert late.incident_id == second.incident_id != summary.incident_id
    assert second.attachments["held"].splitlines()[0] == "2 alarms of 2 kinds: 2 error"
    assert len(await events(shift.bus, NOTICES)) == 2
    assert len(await shift.incidents()) == 4


async def test_a_summary_whose_kinds_are_all_over_does_not_open_and_a_person_is_told(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    await stormed(shift, *"abcd")
    await shift.recovered("c")
    await shift.recovered("d")

    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()

    texts = [each.text for each in await events(shift.bus, NOTICES) if hasattr(each, "text")]
    assert len(await shift.incidents()) == 2
    assert len(texts) == 2
    assert "was over before it opened" in texts[1]


async def test_of_the_kinds_beyond_the_list_no_number_of_each_is_kept(make_bus: MakeBus) -> None:
    """In a storm of random names the summary's key grew with every one of them."""
    shift = Shift(make_bus("ingest"), Limits(max_new=1))
    await shift.raised("a")
    first = await shift.raised("b")
    key = f"{shift.bus.keys.prefix}fingerprint:gathered:{first.incident_id}"
    await shift.bus.redis.hset(key, "kinds", MOST_KINDS)
    before = await shift.bus.redis.hlen(key)

    for name in "cde":
        await shift.raised(name)
        await shift.recovered(name)

    assert await shift.bus.redis.hlen(key) == before
    assert await shift.bus.redis.hget(key, "alarms") == b"5"


async def test_the_next_window_has_its_own_investigations_and_its_own_summary(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    await stormed(shift, *"abcx")
    first = await opened_summary(shift)
    await shift.begin()
    await shift.pass_time(shift.limits.window_seconds)

    assert await stormed(shift, *"decfg") == ["opened"] * 2 + ["folded"] * 3
    second = await opened_summary(shift)

    assert first.incident_id != second.incident_id
    assert "2 alarms of 2 kinds:" in second.attachments["held"], (
        "c is of the first one, which still runs"
    )


async def test_what_waits_for_too_long_goes_into_the_summary(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1, deadline_seconds=3600))
    await stormed(shift, "a", "b", "b")
    await shift.pass_time(shift.limits.held_seconds + 1)

    await shift.draining.drain()
    summary = await opened_summary(shift)

    assert await shift.held() == []
    assert "2 alarms, first at" in summary.attachments["held"]
    assert "held for too long: no place is free" in summary.attachments["held"]


async def test_what_recovers_while_it_waits_costs_no_investigation_and_a_person_is_told(
    make_bus: MakeBus,
) -> None:
    """A summary of one alarm that was over already was opened, beyond the places."""
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await stormed(shift, *"abc")

    decisions = [await shift.recovered(name) for name in "bc"]
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()

    assert [each.outcome for each in decisions] == ["recovered"] * 2
    assert (await shift.held(), len(await shift.incidents())) == ([], 1)
    first, second = await events(shift.bus, NOTICES)
    assert isinstance(first, NoticeRequested)
    assert isinstance(second, NoticeRequested)
    assert "before its turn" in first.text
    assert first.key == second.key, "so it is one notice"


async def test_what_recovers_while_it_waits_beside_a_summary_goes_there_with_that_remark(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1, deadline_seconds=3600))
    await stormed(shift, "a", "b")
    await shift.pass_time(shift.limits.held_seconds + 1)
    assert await stormed(shift, "waits") == ["held"], "and b has waited too long"

    decision = await shift.recovered("waits")
    summary = await opened_summary(shift)

    assert decision.outcome == "folded"
    assert "it recovered while it was held; recovered at 2026-11-24T" in summary.attachments["held"]


async def test_one_kind_that_recovers_never_ends_the_summary_of_all(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), SMALL, recovery="stop")
    await stormed(shift, *"abcd")
    await opened_summary(shift)
    await shift.begin()

    decision = await shift.recovered("c")

    (news,) = await events(shift.bus, UPDATES)
    assert isinstance(news, AlarmRecovered)
    assert (decision.outcome, news.policy) == ("recovered", "continue")


async def test_a_summary_opens_once_however_many_replicas_find_it_due(make_bus: MakeBus) -> None:
    shift, other = (Shift(make_bus("ingest"), SMALL) for _ in range(2))
    await stormed(shift, *"abcd")
    await shift.pass_time(16)
    waiting = await shift.backlog.drain()
    assert waiting.due is not None
    gathered = await shift.backlog.gathered(waiting.due)
    await other.draining.drain()

    incident = summary_of(waiting.due, gathered)
    assert await shift.backlog.open_summary(incident, gathered, is_last_try=False)

    assert len(await shift.incidents()) == 3


async def test_a_summary_to_which_a_kind_came_meanwhile_is_read_again(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    await stormed(shift, *"abce")
    await shift.pass_time(16)
    waiting = await shift.backlog.drain()
    assert waiting.due is not None
    gathered = await shift.backlog.gathered(waiting.due)
    await shift.raised("d")

    incident = summary_of(waiting.due, gathered)
    assert not await shift.backlog.open_summary(incident, gathered, is_last_try=False)
    await shift.draining.drain()

    assert "d (d-service, 1x)" in (await shift.incidents())[-1].summary


def test_a_list_too_long_says_how_many_kinds_it_leaves_out() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    kinds = tuple(
        Kind(f"k{number}", "s", "error", "logs", said="ü" * 300, reason="r", at=at, number=2)
        for number in range(500)
    )
    gathered = Gathered(kinds, kinds_in_all=900, alarms=2000, by_severity={"error": 2000})

    incident = summary_of(IncidentId("inc-1"), gathered)

    listed = incident.attachments["held"]
    lines = listed.splitlines()
    assert len(listed.encode()) <= LISTED_BYTES + 40
    assert lines[-1] == f"and {900 - (len(lines) - 2)} more kinds"
    assert incident.summary.endswith("and 888 more kinds")


def test_what_is_over_is_listed_last_and_of_the_same_moment_by_name_in_whatever_order() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    kinds = [Kind(name, "s", "error", "logs", "", "r", at, 1) for name in "bcd"]
    kinds.append(Kind("a", "s", "critical", "logs", "", "r", at, 1, recovered_at="since"))
    for order in itertools.permutations(kinds):
        gathered = Gathered(order, kinds_in_all=4, alarms=4, by_severity={"error": 4})
        listed = summary_of(IncidentId("inc-1"), gathered).attachments["held"]
        assert [line.split()[2] for line in listed.splitlines()[1:]] == ["b:", "c:", "d:", "a:"]
