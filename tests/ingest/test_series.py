"""One rule over many series: each alarm has its effect, and only the last one over is the end."""

from datetime import UTC, datetime, timedelta

import pytest

from bus.events import Alarm, AlarmJoined, AlarmRecovered, InvestigationId, RecoveryPolicy
from bus.streams import UPDATES
from bus.testing import events
from services.ingest.limits import MOST_UPDATES, Limits
from services.ingest.trigger import Decision, Raised, Recovered
from tests.conftest import MakeBus
from tests.ingest.shift import MIDNIGHT, Shift


class Few(Limits):
    """Two series are kept by name, and two more beyond them."""

    def figures(self) -> dict[str, int]:
        """As the scripts take them."""
        return super().figures() | {"most_series": 2, "most_beyond": 2}


@pytest.fixture
def shift(make_bus: MakeBus) -> Shift:
    """A replica with the default limits."""
    return Shift(make_bus("ingest"))


def series(pod: str, at: datetime = MIDNIGHT) -> Alarm:
    """An alarm of the one rule, of one pod."""
    labels = {"pod": pod, "service": "cart"}
    return Alarm(name="PodDown", account="1", region="r", changed_at=at, labels=labels)


async def fires(shift: Shift, pod: str, at: datetime = MIDNIGHT) -> Decision:
    """Alertmanager said that the series of that pod fires."""
    return await shift.triggers.take(Raised(series(pod, at), kind="alertmanager"))


async def resolves(shift: Shift, pod: str, *, seconds: float = 60) -> Decision:
    """Alertmanager said that it is over."""
    over = series(pod, MIDNIGHT + timedelta(seconds=seconds))
    return await shift.triggers.take(Recovered(over, kind="alertmanager"))


async def recoveries(shift: Shift) -> list[AlarmRecovered]:
    """What running investigations were told is over."""
    return [each for each in await events(shift.bus, UPDATES) if isinstance(each, AlarmRecovered)]


async def test_only_the_last_series_that_is_over_ends_the_investigation(shift: Shift) -> None:
    """One of two pods came back, and the investigation of the other was finished small."""
    await fires(shift, "a")
    await fires(shift, "b", MIDNIGHT + timedelta(seconds=1))
    await shift.begin()

    await resolves(shift, "b")
    await resolves(shift, "a")

    assert [each.policy for each in await recoveries(shift)] == ["continue", "finish small"]


async def test_under_policy_stop_too_only_the_last_series_ends_it(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), recovery="stop")
    first = await fires(shift, "a")
    await fires(shift, "b", MIDNIGHT + timedelta(seconds=1))
    await shift.begin()
    inv = InvestigationId(first.incident_id)

    await resolves(shift, "a")
    running = await shift.bus.investigations.read(inv)
    await resolves(shift, "b")
    over = await shift.bus.investigations.read(inv)

    assert running is not None
    assert running.outcome is None
    assert over is not None
    assert over.outcome == "recovered"


async def test_one_series_that_is_over_lets_the_others_wait_on(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await shift.raised("first")
    await fires(shift, "a")
    await fires(shift, "b", MIDNIGHT + timedelta(seconds=1))

    decision = await resolves(shift, "b")

    assert decision.outcome == "recovered"
    assert len(await shift.held()) == 1


async def test_an_older_recovery_of_one_series_is_judged_by_its_own_alarm(shift: Shift) -> None:
    await fires(shift, "a", MIDNIGHT)
    await fires(shift, "b", MIDNIGHT + timedelta(seconds=90))
    await shift.begin()

    assert (await resolves(shift, "b", seconds=80)).outcome == "ignored"
    assert (await resolves(shift, "a", seconds=80)).outcome == "recovered"
    assert [each.policy for each in await recoveries(shift)] == ["continue"]


async def test_a_second_series_of_the_same_moment_joins(shift: Shift) -> None:
    """Alertmanager tells both with the same start, and the second one was dropped as a copy."""
    first = await fires(shift, "a")
    await shift.begin()

    second = await fires(shift, "b")

    (joined,) = await events(shift.bus, UPDATES)
    assert isinstance(joined, AlarmJoined)
    assert (second.outcome, second.incident_id) == ("joined", first.incident_id)
    assert joined.alarm.labels["pod"] == "b"


async def test_a_change_that_joined_is_no_news_when_it_comes_another_way(shift: Shift) -> None:
    first = await fires(shift, "a")
    await fires(shift, "b")
    described = series("b").model_copy(update={"description": "in another wrapping"})

    again = await shift.triggers.take(Raised(described, kind="alertmanager"))

    assert (again.outcome, again.incident_id) == ("duplicate", first.incident_id)
    assert len(await events(shift.bus, UPDATES)) == 1


async def test_the_end_is_told_however_many_alarms_joined_before(shift: Shift) -> None:
    """After 20 that joined, a recovery was only counted."""
    await shift.raised("cart")
    for _ in range(MOST_UPDATES + 2):
        await shift.raised("cart")

    decision = await shift.recovered("cart")

    assert "was told" in decision.reason
    assert [each.policy for each in await recoveries(shift)] == ["finish small"]


async def test_the_end_is_told_however_many_series_were_over_before(shift: Shift) -> None:
    pods = [f"pod-{number}" for number in range(MOST_UPDATES + 3)]
    for pod in pods:
        await fires(shift, pod)
    for pod in pods:
        await resolves(shift, pod)

    policies = [each.policy for each in await recoveries(shift)]

    assert policies == ["continue"] * MOST_UPDATES + ["finish small"]


@pytest.mark.parametrize("order", ["abcd", "dcba", "cadb"])
async def test_of_more_series_than_are_kept_with_their_times_the_last_is_the_end_all_the_same(
    order: str, make_bus: MakeBus
) -> None:
    """A problem of more than 500 series never counted as recovered, until a week had gone."""
    shift = Shift(make_bus("ingest"), Few())
    for number, pod in enumerate("abcd"):
        await fires(shift, pod, MIDNIGHT + timedelta(seconds=number))
    await shift.begin()

    for pod in order:
        await resolves(shift, pod)

    assert [each.policy for each in await recoveries(shift)] == ["continue"] * 3 + ["finish small"]


async def test_under_policy_stop_too_those_beyond_keep_it_running(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), Few(), recovery="stop")
    inv = InvestigationId((await fires(shift, "a")).incident_id)
    for pod in "bcd":
        await fires(shift, pod)
    await shift.begin()

    for pod in "abc":
        await resolves(shift, pod)
        record = await shift.bus.investigations.read(inv)
        assert record is not None
        assert record.outcome is None
    assert (await resolves(shift, "d")).reason == "its investigation was ended: policy stop"


async def test_beyond_what_is_known_at_all_the_end_of_all_that_are_known_is_the_end(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Few())
    for pod in "abcdef":
        await fires(shift, pod)
    await shift.begin()

    for pod in "fabcd":
        await resolves(shift, pod)

    assert [each.policy for each in await recoveries(shift)] == ["continue"] * 4 + ["finish small"]


async def test_one_beyond_that_fires_again_is_judged_by_its_own_time(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), Few())
    for pod in "abc":
        await fires(shift, pod)
    await fires(shift, "c", MIDNIGHT + timedelta(seconds=90))
    await fires(shift, "d", MIDNIGHT + timedelta(seconds=120))
    await shift.begin()

    assert (await resolves(shift, "c", seconds=80)).outcome == "ignored"
    assert (await resolves(shift, "c", seconds=100)).outcome == "recovered"


@pytest.mark.parametrize("policy", ["finish small", "stop"])
async def test_an_alarm_whose_end_was_read_first_is_told_of_it(
    policy: RecoveryPolicy, make_bus: MakeBus
) -> None:
    """SQS keeps no order: the end was forgotten, and the investigation never heard of it."""
    shift = Shift(make_bus("ingest"), recovery=policy)
    alarm = shift.alarm("cart")
    assert (await shift.recovered("cart")).outcome == "ignored"

    decision = await shift.triggers.take(Raised(alarm, service="cart-service"))

    assert decision.outcome == "opened"
    (told,) = await recoveries(shift)
    assert (told.policy, told.investigation_id) == (policy, decision.incident_id)


async def test_an_alarm_that_is_newer_than_the_last_end_is_not_over(shift: Shift) -> None:
    await shift.recovered("cart")

    assert (await shift.raised("cart")).outcome == "opened"
    assert await recoveries(shift) == []


async def test_an_alarm_whose_end_was_read_first_does_not_wait(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await shift.raised("a")
    alarm = shift.alarm("b")
    await shift.recovered("b")

    await shift.triggers.take(Raised(alarm, service="b-service"))

    assert await shift.held() == []


async def test_an_alarm_from_the_future_began_now(shift: Shift) -> None:
    """Its end, by the right clock, was taken for one of an earlier time."""
    now = datetime.now(UTC)
    await fires(shift, "a", now + timedelta(days=1))
    over = series("a", now + timedelta(seconds=1))

    decision = await shift.triggers.take(Recovered(over, kind="alertmanager"))

    assert decision.outcome == "recovered"
