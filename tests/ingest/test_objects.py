"""Another node, volume or database with the alarm that was answered already is news."""

import pytest

from bus.events import Alarm, Severity
from services.ingest.limits import MOST_SERIES, Limits
from services.ingest.stable_object import object_of
from services.ingest.trigger import Decision, Raised
from tests.conftest import MakeBus
from tests.ingest.shift import Shift


@pytest.fixture
def shift(make_bus: MakeBus) -> Shift:
    """A replica with the default limits."""
    return Shift(make_bus("ingest"))


async def fires(shift: Shift, labels: dict[str, str], severity: Severity = "critical") -> Decision:
    """Alertmanager said that one alert of the rule fires."""
    alarm = shift.alarm("KubeNodeNotReady").model_copy(update={"labels": labels})
    service = "kube-state-metrics"
    found = Raised(alarm, kind="alertmanager", severity=severity, service=service, source="here")
    return await shift.triggers.take(found)


async def test_another_node_after_the_end_is_investigated_and_the_same_one_is_not(
    shift: Shift,
) -> None:
    """Six nodes were lost one after another, and five of them were silent."""
    first = await fires(shift, {"node": "ip-10-0-0-1"})
    await shift.end(first.incident_id)

    other = await fires(shift, {"node": "ip-10-0-0-2"})
    beside = await fires(shift, {"node": "ip-10-0-0-3"})
    await shift.end(other.incident_id)
    seen = [await fires(shift, {"node": f"ip-10-0-0-{n}"}) for n in (1, 2, 3)]

    assert (other.outcome, beside.outcome) == ("opened", "joined")
    assert other.incident_id != first.incident_id
    assert [each.outcome for each in seen] == ["repeated"] * 3


async def test_a_node_that_was_silent_for_the_window_is_news_though_others_were_not(
    shift: Shift,
) -> None:
    first = await fires(shift, {"node": "a"})
    await shift.end(first.incident_id)
    second = await fires(shift, {"node": "b"})
    await shift.end(second.incident_id)
    for _ in range(2):
        await shift.pass_time(shift.limits.repeat_seconds - 60)
        assert (await fires(shift, {"node": "b"})).outcome == "repeated"

    assert (await fires(shift, {"node": "a"})).outcome == "opened"


async def test_another_object_takes_its_turn_and_is_told_in_a_summary_that_somebody_reads(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_new=2))
    first = await fires(shift, {"node": "a"}, "error")
    await shift.end(first.incident_id)
    folded = await fires(shift, {"node": "c"}, "error")
    await fires(shift, {"node": "c"}, "error")
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()
    await shift.end(folded.incident_id)

    again = await fires(shift, {"node": "d"}, "error")

    assert folded.outcome == again.outcome == "folded"
    assert again.incident_id != folded.incident_id, "nobody reads that one any more"


async def test_of_more_objects_than_are_kept_none_is_news(shift: Shift) -> None:
    first = await fires(shift, {"node": "a"})
    await shift.end(first.incident_id)
    fingerprint = (await shift.incidents())[0].fingerprint
    key = f"{shift.bus.keys.prefix}fingerprint:objects:{fingerprint}"
    seconds, _ = await shift.bus.redis.time()
    await shift.bus.redis.zadd(key, {f"o{n}": seconds * 1000 for n in range(MOST_SERIES)})

    assert (await fires(shift, {"node": "b"})).outcome == "repeated"
    assert await shift.bus.redis.zcard(key) == MOST_SERIES + 1


SAME = [
    ({"pod": "cart-7d9f8b6c5d-abcde"}, {"pod": "cart-7d9f8b6c5d-fghij"}),
    ({"pod": "cart-0", "node": "a"}, {"pod": "cart-0", "node": "b"}),
    ({"pod": "cart-0", "instance": "10.0.0.1:80"}, {"pod": "cart-0", "instance": "10.0.0.2:80"}),
    ({"node": "a", "instance": "10.0.0.1:80"}, {"node": "a", "instance": "10.0.0.2:80"}),
    ({"node": "a", "reason": "one"}, {"node": "a", "reason": "two"}),
    ({"job_name": "backup-29341440"}, {"job_name": "backup-29341500"}),
    ({"QueueName": "q"}, {"dimension_QueueName": "q"}),
    ({"DBInstanceIdentifier": "orders"}, {"dbinstance_identifier": "orders"}),
]
OTHER = [
    ({"node": "a"}, {"node": "b"}),
    ({"node": "a", "pod": "kube-state-metrics-0"}, {"node": "b", "pod": "kube-state-metrics-0"}),
    ({"instance": "a"}, {"instance": "b"}),
    ({"instance": "a", "pod": "node-exporter-1"}, {"instance": "b", "pod": "node-exporter-1"}),
    ({"persistentvolumeclaim": "data-postgres-0"}, {"persistentvolumeclaim": "data-kafka-0"}),
    ({"dbinstance_identifier": "orders"}, {"dbinstance_identifier": "users"}),
    ({"topic": "t", "consumergroup": "a"}, {"topic": "t", "consumergroup": "b"}),
    ({"job_name": "a"}, {"job_name": "b"}),
]


def test_what_lasts_tells_alarms_apart_and_what_changes_with_a_restart_does_not() -> None:
    for one, two in SAME:
        assert object_of(Alarm(name="a", labels=one)) == object_of(Alarm(name="a", labels=two))
    for one, two in OTHER:
        assert object_of(Alarm(name="a", labels=one)) != object_of(Alarm(name="a", labels=two))
    assert object_of(Alarm(name="a", labels=SAME[0][0])) == ""
