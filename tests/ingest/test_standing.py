"""Which of the alarms that stand at the start are caught up."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.adapters.cloudwatch import CloudWatchAlarms
from services.ingest.settings import Settings
from services.ingest.standing import Wanted, children_of

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
OURS = "arn:aws:sns:eu-central-1:210987654321:alarms"
THEIRS = "arn:aws:sns:eu-central-1:210987654321:theirs"
SCALING = "arn:aws:autoscaling:eu-central-1:210987654321:scalingPolicy:1"


def stands(*actions: str, hours: float = 1, is_on: bool = True) -> dict[str, object]:
    changed = NOW - timedelta(hours=hours)
    return {
        "AlarmName": "cart",
        "AlarmActions": list(actions),
        "ActionsEnabled": is_on,
        "StateTransitionedTimestamp": changed,
    }


@pytest.mark.parametrize(
    ("topics", "alarm", "taken"),
    [
        ("", stands(OURS), True),
        ("", stands(SCALING, OURS), True),
        ("", stands(SCALING), False),
        ("", stands(), False),
        ("", stands(OURS, is_on=False), False),
        ("", stands(OURS, hours=25), False),
        (OURS, stands(OURS), True),
        (OURS, stands(THEIRS), False),
        (OURS, stands(), False),
        ("*", stands(), True),
        ("*", stands(SCALING), False),
    ],
)
def test_only_what_lately_told_us_is_caught_up(
    topics: str, alarm: dict[str, object], taken: bool
) -> None:
    settings = Settings(queue_url="http://sqs.test/1/alarms", catch_up_topics=topics)
    longest = timedelta(seconds=settings.catch_up_seconds)

    assert Wanted(settings.catching_up_for, longest).takes(alarm, now=NOW) == taken


def test_without_an_age_every_alarm_is_caught_up() -> None:
    assert Wanted(longest=timedelta()).takes(stands(OURS, hours=9999), now=NOW)


def test_a_topic_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no ARN of an SNS topic"):
        Settings(queue_url="http://sqs.test/1/alarms", catch_up_topics="alarms")


def test_the_children_of_a_composite_alarm_are_read_from_its_rule() -> None:
    arn = "arn:aws:cloudwatch:eu-central-1:210987654321:alarm:cart errors"
    rule = f'(ALARM("{arn}") OR ALARM(cart-slow)) AND NOT OK(ads)'

    assert children_of([{"AlarmRule": rule}]) == {"cart errors", "cart-slow"}
    assert children_of([{"AlarmRule": rule, "ActionsSuppressedBy": "Alarm"}]) == frozenset()


@pytest.mark.parametrize(
    ("rule", "children"),
    [
        ('ALARM("cart (eu) errors")', {"cart (eu) errors"}),
        ("ALARM('the \"cart\"') AND ALARM( cart )", {'the "cart"', "cart"}),
        ('ALARM("it\'s cart)") OR ALARM("a \\"b\\"")', {"it's cart)", 'a "b"'}),
        ('ALARM("cart") AND NOT ALARM("maintenance")', {"cart"}),
        ('ALARM("cart") AND NOT (ALARM("maintenance"))', {"cart"}),
        ('NOT (ALARM("a") OR (ALARM("b"))) AND ALARM("cart")', {"cart"}),
        ('NOT OK("cart") AND ALARM("ads")', {"ads"}),
        ('ALARM("OK(x) ALARM(y)")', {"OK(x) ALARM(y)"}),
        ("TRUE", set()),
    ],
)
def test_a_child_has_any_name_and_is_none_behind_not(rule: str, children: set[str]) -> None:
    """An alarm with a bracket in its name was told beside its composite one."""
    assert children_of([{"AlarmRule": rule}]) == children


class Told(CloudWatchAlarms):
    """CloudWatch with a composite alarm and two others; moto has none of the first kind."""

    def _answers(self, kind: str) -> Iterator[Mapping[str, object]]:
        now = {"AlarmActions": [OURS], "StateTransitionedTimestamp": datetime.now(UTC)}
        composite = {"AlarmName": "shop", "AlarmRule": "ALARM(cart) OR ALARM(fine)"} | now
        others = [{"AlarmName": name} | now for name in ("cart", "ads")]
        held = [composite] if kind == "CompositeAlarm" else others
        return iter([{f"{kind}s": held}])


async def test_what_a_composite_alarm_tells_of_is_not_told_beside_it() -> None:
    settings = Settings(queue_url="http://sqs.test/1/alarms", AWS_REGION="eu-central-1")

    pages = [page async for page in Told(settings).pages()]

    assert [alarm["AlarmName"] for page in pages for alarm in page] == ["shop", "ads"]
