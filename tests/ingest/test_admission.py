"""One investigation for one problem: the window, joining, places, the backlog, and what breaks in.

Over a real Redis, without a queue: doors only read, and what is decided here is the same for all.
"""

import pytest

from bus.events import AlarmJoined, AlarmRecovered, NoticeRequested, Severity
from bus.streams import INCIDENTS, NOTICES, UPDATES
from bus.testing import dead_letters, events
from services.ingest.fingerprint import Identity
from services.ingest.limits import MOST_UPDATES, MOST_WORSE, Limits
from services.ingest.trigger import Raised, Recovered
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

WINDOW = Limits().repeat_seconds
WORSE: tuple[Severity, ...] = ("warning", "warning", "info", "critical", "critical", "critical")


@pytest.fixture
def shift(make_bus: MakeBus) -> Shift:
    """A replica with the default limits."""
    return Shift(make_bus("ingest"))


async def test_a_later_alarm_joins_the_running_investigation(shift: Shift) -> None:
    first = await shift.raised("cart")
    await shift.begin()

    later = await shift.raised("cart")

    (joined,) = await events(shift.bus, UPDATES)
    assert isinstance(joined, AlarmJoined)
    assert (later.outcome, later.incident_id) == ("joined", first.incident_id)
    assert joined.investigation_id == first.incident_id
    assert joined.alarm.name == "cart"
    assert joined.service == "cart-service"
    assert len(await shift.incidents()) == 1


async def test_an_investigation_is_told_of_so_many_alarms_and_the_rest_is_counted(
    shift: Shift,
) -> None:
    first = await shift.raised("cart")

    for _ in range(MOST_UPDATES + 5):
        await shift.raised("cart")

    assert len(await events(shift.bus, UPDATES)) == MOST_UPDATES
    assert await shift.counted(first.incident_id) == {"opened": 1, "joined": MOST_UPDATES + 5}


async def test_beyond_that_number_what_is_critical_or_worse_than_all_before_is_told(
    shift: Shift,
) -> None:
    """The 21st alarm was critical: neither the reasoner nor the card ever learned of it."""
    first = await shift.raised("cart", severity="info")
    for _ in range(MOST_UPDATES):
        await shift.raised("cart", severity="info")
    assert len(await events(shift.bus, UPDATES)) == MOST_UPDATES

    found = [await shift.raised("cart", severity=grade) for grade in WORSE]

    reasons = [("counted only" not in each.reason) for each in found]
    assert reasons == [True, False, False, True, True, False]
    assert {each.incident_id for each in found} == {first.incident_id}
    assert len(await events(shift.bus, UPDATES)) == MOST_UPDATES + MOST_WORSE


async def test_the_same_content_again_has_no_effect_at_all(shift: Shift) -> None:
    alarm = shift.alarm("cart")
    first = await shift.triggers.take(Raised(alarm))

    again = await shift.triggers.take(Raised(alarm))

    assert (again.outcome, again.incident_id) == ("duplicate", first.incident_id)
    assert await events(shift.bus, UPDATES) == []


async def test_the_same_change_in_another_wrapping_is_no_news(shift: Shift) -> None:
    alarm = shift.alarm("cart")
    await shift.triggers.take(Raised(alarm))

    other = await shift.triggers.take(Raised(alarm.model_copy(update={"description": "more"})))

    assert other.outcome == "duplicate"
    assert await events(shift.bus, UPDATES) == []


async def test_after_the_end_an_alarm_within_the_window_is_linked_and_opens_nothing(
    shift: Shift,
) -> None:
    first = await shift.raised("cart")
    await shift.end(first.incident_id)

    later = await shift.raised("cart")

    assert (later.outcome, later.incident_id) == ("repeated", first.incident_id)
    assert len(await shift.incidents()) == 1
    assert await events(shift.bus, UPDATES) == []


async def test_the_window_slides_with_every_alarm_and_ends_in_silence(shift: Shift) -> None:
    first = await shift.raised("cart")
    await shift.end(first.incident_id)
    for _ in range(3):
        await shift.pass_time(WINDOW - 60)
        assert (await shift.raised("cart")).outcome == "repeated"

    await shift.pass_time(WINDOW + 1)
    again = await shift.raised("cart")

    assert again.outcome == "opened"
    assert again.incident_id != first.incident_id


async def test_an_alarm_that_never_falls_silent_is_investigated_again_after_24_windows(
    shift: Shift,
) -> None:
    first = await shift.raised("cart")
    await shift.end(first.incident_id)
    outcomes = []
    for _ in range(30):
        await shift.pass_time(WINDOW - 60)
        outcomes.append((await shift.raised("cart")).outcome)

    assert outcomes.count("opened") == 1
    assert outcomes.index("opened") == 24


async def test_without_a_window_each_state_change_opens_an_investigation(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(repeat_seconds=0))

    found = [await shift.raised("cart") for _ in range(3)]

    assert [decision.outcome for decision in found] == ["opened"] * 3


async def test_an_empty_part_of_the_fingerprint_is_refused_and_a_person_is_told(
    shift: Shift,
) -> None:
    shift.triggers.identity = Identity.of("{account}/{labels.cluster}")

    decision = await shift.raised("cart")
    await shift.raised("frontend")

    first, _ = await dead_letters(shift.bus, INCIDENTS)
    notices = [each for each in await events(shift.bus, NOTICES)]
    assert decision.outcome == "rejected"
    assert "labels.cluster" in first.reason
    assert {each.key for each in notices if isinstance(each, NoticeRequested)} == {
        each.key for each in notices[:1] if isinstance(each, NoticeRequested)
    }
    assert await shift.incidents() == []


@pytest.mark.parametrize("policy", ["finish small", "continue"])
async def test_a_recovery_is_news_with_its_policy(policy: str, make_bus: MakeBus) -> None:
    shift = Shift(
        make_bus("ingest"), recovery="continue" if policy == "continue" else "finish small"
    )
    first = await shift.raised("cart")

    decision = await shift.recovered("cart")

    (news,) = await events(shift.bus, UPDATES)
    assert isinstance(news, AlarmRecovered)
    assert (news.policy, news.investigation_id) == (policy, first.incident_id)
    assert decision.outcome == "recovered"


async def test_a_recovery_that_is_older_than_the_alarm_changes_nothing(shift: Shift) -> None:
    """SQS keeps no order: the OK of the last time may come after the ALARM of this time."""
    before = shift.alarm("cart")
    await shift.raised("cart")

    decision = await shift.triggers.take(Recovered(before, service="cart-service"))

    assert decision.outcome == "ignored"
    assert await events(shift.bus, UPDATES) == []


async def test_the_same_recovery_in_another_wrapping_is_told_once(shift: Shift) -> None:
    """By SNS and by EventBridge the same OK has other texts, and it was told twice."""
    await shift.raised("cart")
    over = shift.alarm("cart")
    await shift.triggers.take(Recovered(over, service="cart-service"))

    other = over.model_copy(update={"description": "more"})
    again = await shift.triggers.take(Recovered(other, service="cart-service"))

    assert again.outcome == "duplicate"
    assert len(await events(shift.bus, UPDATES)) == 1
