"""Who an alarm is about and how bad it is, where labels, dimensions and words are many."""

import json

import pytest

from bus.events import Alarm, TriggerKind
from services.ingest.fields import MAX_LABELS
from services.ingest.fingerprint import series_of
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.severity import is_only_said, severity_of
from tests.ingest.bodies import alert, event
from tests.ingest.test_alarm import raised_in
from tests.ingest.test_alertmanager import raised

MANY = {f"label_{number:02}": "x" for number in range(45)}


def test_labels_that_name_and_grade_are_kept_however_many_others_there_are() -> None:
    """Of 47 labels service and severity were cut, as their names come last in the alphabet."""
    found = raised(alert(**MANY, service="checkout", severity="critical"))

    assert service_of(found.alarm) == "checkout"
    assert found.severity == "critical"
    assert len(found.alarm.labels) <= MAX_LABELS


def test_two_series_that_differ_in_a_label_beyond_the_bound_are_two() -> None:
    first, second, again = (
        raised(alert(**MANY, zone=zone)).alarm for zone in ("one", "two", "one")
    )

    assert series_of(first, "alertmanager") != series_of(second, "alertmanager")
    assert series_of(first, "alertmanager") == series_of(again, "alertmanager")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://alertmanager-0:9093", "http://alertmanager-1:9093"),
        ("http://am-0.am.shop.svc:9093", "http://am-1.am.shop.svc:9093"),
        ("http://am-5f6585d649-fnmft", "http://am-5f6585d649-zzk4x"),
    ],
)
def test_the_replicas_of_an_alertmanager_tell_one_problem(one: str, other: str) -> None:
    """Each replica opened an investigation of its own, and the recovery was lost."""
    told = [incident_of(raised(alert(), externalURL=url), "cart") for url in (one, other)]

    assert told[0].fingerprint == told[1].fingerprint
    assert told[0].incident_id == told[1].incident_id


def test_two_alertmanagers_are_two() -> None:
    told = [
        raised(alert(), externalURL=f"http://alertmanager.{shop}.example").alarm.account
        for shop in ("a", "b-2")
    ]

    assert told == ["alertmanager.a.example", "alertmanager.b-2.example"]


@pytest.mark.parametrize(
    ("name", "description", "severity"),
    [
        ("x", "Critical threshold is 90, warning is 80", "error"),
        ("x", "This is a low severity alarm, page nobody. Not business critical.", "info"),
        ("x", "If this stays for an hour it is critical.", "error"),
        ("x", "no longer critical", "error"),
        ("x", "mission-critical payments are fine here", "error"),
        ("critical-services-disk-usage", "", "error"),
        ("[SEV2] cart", "a critical alarm", "error"),
        ("x", "Critical: page", "critical"),
        ("x", "Severity - critical", "critical"),
        ("x", "A critical alarm of the cart", "critical"),
        ("x", "critical severity", "critical"),
    ],
)
def test_only_what_says_that_it_is_critical_now_is(
    name: str, description: str, severity: str
) -> None:
    assert severity_of(Alarm(name=name, description=description)) == severity


@pytest.mark.parametrize(
    ("alarm", "kind", "is_said"),
    [
        (Alarm(name="cart-critical"), "cloudwatch", False),
        (Alarm(name="cart", description="Severity: critical."), "cloudwatch", False),
        (Alarm(name="cart", description="A critical alarm of the cart"), "cloudwatch", True),
        (Alarm(name="cart-critical", description="A critical alarm"), "cloudwatch", False),
        (Alarm(name="cart", description="all is well"), "cloudwatch", False),
        (Alarm(name="c", description="Severity: critical."), "alertmanager", True),
        (Alarm(name="c_critical", labels={"alertname": "c_critical"}), "alertmanager", False),
        (Alarm(name='{path="/critical"}', labels={"path": "/critical"}), "alertmanager", True),
    ],
)
def test_a_name_and_what_a_team_states_are_trusted_and_what_others_fill_in_is_not(
    alarm: Alarm, kind: TriggerKind, is_said: bool
) -> None:
    assert is_only_said(alarm, kind) == is_said


@pytest.mark.parametrize(
    ("written", "severity"),
    [("urgent", "critical"), ("blocker", "critical"), ("ticket", "warning"), ("lowest", "info")],
)
def test_further_words_of_severity_labels_are_known(written: str, severity: str) -> None:
    assert raised(alert(severity=written)).severity == severity


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"DBInstanceIdentifier": "orders-db"}, "orders-db"),
        ({"TargetGroup": "targetgroup/shop-web/73e2d6bc24d8a067"}, "shop-web"),
        ({"LoadBalancer": "app/shop/50dc6c495c0c9188"}, "shop"),
        ({"QueueName": "orders-dlq"}, "orders-dlq"),
        ({"TableName": "carts"}, "carts"),
        ({"ApiName": "shop-api"}, "shop-api"),
        ({"dimension_DBInstanceIdentifier": "orders-db", "job": "yace"}, "orders-db"),
        ({"job_name": "backup-28391040", "job": "kube-state-metrics"}, "backup"),
        ({"TableName": "carts", "ServiceName": "cart"}, "cart"),
    ],
)
def test_a_resource_of_aws_or_a_job_names_the_service(labels: dict[str, str], service: str) -> None:
    assert service_of(Alarm(name="High CPU", labels=labels)) == service


def test_series_of_one_alarm_that_change_in_one_moment_are_two_changes() -> None:
    """The second contributor was a duplicate: the same change that came another way."""

    def told(contributor: str) -> str:
        kind = "CloudWatch Alarm Contributor State Change"
        body = json.loads(event(kind=kind))
        attributes = {"FunctionName": contributor}
        body["detail"]["alarmContributor"] = {"id": contributor, "attributes": attributes}
        return str(incident_of(raised_in(json.dumps(body)), "cart").incident_id)

    assert told("first") != told("second")
    assert told("first") == told("first")
