import re

import pytest

from bus.events import ID_PATTERN, Alarm
from services.ingest.fingerprint import content_hash, fingerprint
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.severity import severity_of
from services.ingest.trigger import Raised
from tests.ingest.bodies import event, flat_alarm, notification
from tests.ingest.test_alarm import alarm_in, raised_in

CART = "cartservice"


@pytest.mark.parametrize(
    ("alarm", "service"),
    [
        (Alarm(name="cartservice-error"), "cartservice"),
        (Alarm(name="prod-cartservice-errors"), "cartservice"),
        (Alarm(name="Prod/Cart-Service/5xx"), "cart-service"),
        (Alarm(name="prod-product-catalog-service-latency"), "product-catalog-service"),
        (Alarm(name="CartServiceErrors"), "cartservice"),
        (Alarm(name="too many errors", metric="cartserviceErrorCount"), "cartservice"),
        (Alarm(name="frontend-5xx"), "frontend"),
        (Alarm(name="checkout_high_p99_latency"), "checkout"),
        (Alarm(name="5xx", labels={"ServiceName": "payments"}), "payments"),
        (Alarm(name="x", labels={"Service": "api", "PodName": "api-1"}), "api"),
        (
            Alarm(
                name="KubePodCrashLooping",
                labels={"pod": "adservice-578fcf4766-9csqn", "container": "server"},
            ),
            "adservice",
        ),
        (
            Alarm(name="x", labels={"PodName": "redis-cart-0", "ContainerName": "redis"}),
            "redis-cart",
        ),
        (Alarm(name="x", labels={"pod": "log-shipper-x7k2p", "job": "kubelet"}), "log-shipper"),
        (
            Alarm(
                name="x",
                labels={"pod": "kube-state-metrics-0", "exported_pod": "ads-1", "container": "c"},
            ),
            "ads",
        ),
        (Alarm(name="x", labels={"container": "cartservice"}), "cartservice"),
        (Alarm(name="CompositeDemo.Main"), "CompositeDemo.Main"),
        (Alarm(name="Night watch"), "Night watch"),
        (Alarm(name="high-error-rate"), "high-error-rate"),
        (Alarm(name="all-services-down"), "services"),
        (Alarm(name="Service errors"), "service"),
    ],
)
def test_the_service_is_read_from_dimensions_name_or_metric(alarm: Alarm, service: str) -> None:
    assert service_of(alarm) == service


def test_a_known_service_settles_the_name_whatever_its_spelling() -> None:
    known = ["cart", "cart-service", "frontend"]

    assert service_of(Alarm(name="PROD cartService down"), known) == "cart-service"
    assert service_of(Alarm(name="5xx", metric="frontendErrors"), known) == "frontend"
    assert service_of(Alarm(name="payments-error"), known) == "payments"


def test_pods_whose_containers_are_called_alike_are_each_about_their_own_service() -> None:
    """Online Boutique calls every container `server`, and all its crash loops were one incident."""
    pods = [
        "adservice-578fcf4766-9csqn",
        "cartservice-5f6585d649-fnmft",
        "cartservice-5f6585d649-zzk4x",
        "frontend-6c9d8f7b9c-x2k4p",
    ]
    alarms = [
        Alarm(name="KubePodCrashLooping", account="a", region="r", labels=labels)
        for labels in ({"container": "server", "pod": pod} for pod in pods)
    ]

    assert len({fingerprint(alarm, service_of(alarm)) for alarm in alarms}) == 3


def test_the_same_change_in_another_wrapping_opens_the_same_incident() -> None:
    through_sns = incident_of(raised_in(notification(flat_alarm())), CART)
    through_eventbridge = incident_of(raised_in(event()), CART)

    assert through_sns.incident_id == through_eventbridge.incident_id
    assert through_sns.fingerprint == through_eventbridge.fingerprint


def test_a_later_change_of_the_same_alarm_is_the_same_problem_and_another_incident() -> None:
    first = incident_of(raised_in(flat_alarm()), CART)
    later = incident_of(raised_in(flat_alarm(StateChangeTime="2026-03-09T03:00:00Z")), CART)

    assert first.fingerprint == later.fingerprint
    assert first.incident_id != later.incident_id


@pytest.mark.parametrize("body", [flat_alarm("other"), flat_alarm(AWSAccountId="1")])
def test_another_alarm_or_account_is_another_problem(body: str) -> None:
    assert fingerprint(alarm_in(flat_alarm()), CART) != fingerprint(alarm_in(body), CART)


def test_the_content_differs_as_soon_as_anything_in_the_change_does() -> None:
    alarm = alarm_in(flat_alarm())

    assert content_hash(alarm, "ALARM") == content_hash(
        alarm_in(notification(flat_alarm())), "ALARM"
    )
    assert content_hash(alarm, "ALARM") != content_hash(alarm, "OK")
    other = alarm_in(flat_alarm(NewStateReason="4 datapoints"))
    assert content_hash(alarm, "ALARM") != content_hash(other, "ALARM")


def test_an_incident_says_what_the_alarm_said_under_a_usable_id() -> None:
    incident = incident_of(raised_in(flat_alarm()), CART)

    assert incident.service == CART
    assert incident.trigger == "cloudwatch"
    assert incident.summary.startswith("cartservice-error: Threshold Crossed")
    assert incident.alarm is not None
    assert incident.alarm.labels["threshold"] == "0.0"
    assert re.match(ID_PATTERN, str(incident.incident_id))


def test_without_a_time_the_id_is_still_the_same_for_every_delivery() -> None:
    alarm = alarm_in(flat_alarm(StateChangeTime=None))

    assert (
        incident_of(Raised(alarm), CART).incident_id == incident_of(Raised(alarm), CART).incident_id
    )


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("cart-error", "error"),
        ("cart_CRITICAL", "critical"),
        ("cart.p1", "critical"),
        ("cart-warning", "warning"),
        ("cart-slow-info", "info"),
        ("user-info-5xx", "error"),
    ],
)
def test_severity_is_what_the_author_wrote_else_error(name: str, severity: str) -> None:
    assert severity_of(Alarm(name=name)) == severity


@pytest.mark.parametrize(
    ("name", "description", "severity"),
    [
        ("frontend-page-load-slow", "", "error"),
        ("frontend-page-load-slow", "Severity: warning.", "warning"),
        ("cart-5xx", "Severity: warning. Runbook page https://wiki.example/p1/critical", "warning"),
        ("cart-5xx", "Orders fail. Runbook https://wiki.example/p1/critical", "error"),
        ("cart-5xx", "the outage page is shown", "error"),
        ("cart-5xx", "non-critical, ignore at night", "error"),
        ("cart-5xx", "this is not a critical alarm", "error"),
        ("cart_non_critical", "", "error"),
        ("cart-5xx", "Severity: warning; becomes critical above 90", "warning"),
        ("cart-5xx", "Warning above 70, critical above 90", "warning"),
        ("cart-warning", "becomes critical above 90", "warning"),
        ("cart-critical", "Severity: info", "info"),
        ("cart-5xx", "INFO: somebody may want to know", "info"),
        ("cart-5xx", "severity=CRITICAL", "critical"),
        ("cart-5xx", 'Team shop, "severity": "critical"', "critical"),
        ("cart-5xx", "Severity level: High", "error"),
        ("cart-5xx", "Sev: 1", "critical"),
        ("cart-5xx", "Severity: see the runbook. Critical for all shops", "critical"),
        ("cart-5xx", "**Severity**: P1", "critical"),
        ("cart-5xx", "a failing check of the critical path", "error"),
        ("priority-page-errors", "", "error"),
    ],
)
def test_a_stated_severity_wins_and_loose_words_do_not_make_an_alarm_critical(
    name: str, description: str, severity: str
) -> None:
    """Critical alarms pass every limit, and a link to a page or "non-critical" made some so."""
    assert severity_of(Alarm(name=name, description=description)) == severity
