import json
from datetime import UTC, datetime

import pytest

from bus.cleaning import clean
from bus.errors import Rejected
from services.ingest.alertmanager import read
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.trigger import Found, Ignored, Raised, Recovered, Unreadable
from tests.ingest.bodies import alert, alerts


def read_group(*held: dict[str, object], **changes: object) -> list[Found | Unreadable]:
    return read(json.loads(alerts(*held, **changes)), clean=clean)


def raised(*held: dict[str, object], **changes: object) -> Raised:
    found = read_group(*held, **changes)[0]
    assert isinstance(found, Raised)
    return found


def test_each_alert_of_a_group_is_raised_or_recovered_on_its_own() -> None:
    first, second, third = read_group(alert(), alert("CartSlow", status="resolved"), alert("Ads"))

    assert isinstance(first, Raised)
    assert isinstance(second, Recovered)
    assert isinstance(third, Raised)
    assert (first.alarm.name, second.alarm.name, third.alarm.name) == (
        "CartErrors",
        "CartSlow",
        "Ads",
    )


def test_an_alert_says_who_what_where_and_when() -> None:
    found = raised(alert(cluster="shop-eu", region="eu-central-1"))

    alarm = found.alarm
    assert (found.kind, found.severity) == ("alertmanager", "critical")
    assert (alarm.account, alarm.region) == ("alertmanager.shop.example", "shop-eu")
    assert (alarm.reason, alarm.description) == ("Every tenth order fails", "10% for 5 min")
    assert alarm.changed_at == datetime(2026, 3, 9, 2, 14, 7, 518000, UTC)
    assert alarm.labels["generator_url"].startswith("http://prometheus.shop.example:9090/")
    assert incident_of(found, "cartservice").summary == "CartErrors: Every tenth order fails"


def test_a_resolved_alert_changed_when_it_ended() -> None:
    (found,) = read_group(alert(status="resolved"))

    assert isinstance(found, Recovered)
    assert found.alarm.changed_at == datetime(2026, 3, 9, 2, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "severity"),
    [
        ("Critical", "critical"),
        ("page", "critical"),
        ("P1", "critical"),
        ("error", "error"),
        ("high", "error"),
        ("warning", "warning"),
        ("info", "info"),
        ("purple", None),
        ("", None),
    ],
)
def test_the_severity_is_that_of_the_label(written: str, severity: str | None) -> None:
    assert raised(alert(severity=written)).severity == severity


def test_the_sign_of_life_that_always_fires_opens_nothing() -> None:
    (found,) = read_group(alert("Watchdog", severity="none"))

    assert isinstance(found, Ignored)
    assert "sign of life" in found.reason


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service": "checkout-api", "job": "api-server"}, "checkout-api"),
        ({"service": "kube-prometheus-stack-kube-state-metrics"}, "cartservice"),
        ({"deployment": "", "container": "ads", "job": "kubelet"}, "ads"),
        ({"deployment": "", "pod": "adservice-5f6585d649-fnmft"}, "adservice"),
        ({"deployment": "", "job": "frontend"}, "frontend"),
        ({"deployment": "", "job": "node-exporter"}, "cart"),
    ],
)
def test_the_service_is_what_is_measured_and_not_who_measures(
    labels: dict[str, str], service: str
) -> None:
    assert service_of(raised(alert(**labels)).alarm) == service


def test_alerts_that_alertmanager_left_out_are_told() -> None:
    assert "left 12 more alerts" in raised(alert(), truncatedAlerts=12).alarm.reason


def test_an_alert_without_a_name_is_called_by_its_labels() -> None:
    nameless = alert() | {"labels": {"job": "db", "instance": "a:1"}}

    assert raised(nameless).alarm.name == '{instance="a:1", job="db"}'


def test_without_its_own_address_an_alertmanager_is_known_by_its_receiver() -> None:
    assert raised(alert(), externalURL="http://[broken").alarm.account == "nightshift"


def test_secrets_and_unseen_characters_are_taken_out() -> None:
    secret = "xoxb-" + "1234567890-abcdefghij"
    held = alert() | {"annotations": {"summary": f"\x1b[31m{secret} is wrong"}}

    reason = raised(held).alarm.reason

    assert secret not in reason
    assert "\x1b" not in reason


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ([], "version"),
        ({"alerts": [alert()]}, "version"),
        (json.loads(alerts(version="1")), "version"),
        (json.loads(alerts(alerts=[])), "no `alerts`"),
        (json.loads(alerts(alerts={"0": alert()})), "no `alerts`"),
        (json.loads(alerts(receiver=json.loads("[" * 600 + "]" * 600))), "nested"),
    ],
)
def test_what_is_no_payload_of_version_4_is_rejected_with_a_reason(
    payload: object, said: str
) -> None:
    with pytest.raises(Rejected, match=said):
        read(payload, clean=clean)


def test_an_alert_that_cannot_be_read_takes_no_other_one_with_it() -> None:
    pending, bare = alert(status="pending"), alert() | {"labels": "all"}
    odd: dict[str, object] = {"status": 7}

    found = read_group(pending, alert(), bare, odd, alert("CartSlow", status="resolved"))

    assert [type(each) for each in found] == [Raised, Recovered, Unreadable, Unreadable]
    assert [each.reason for each in found if isinstance(each, Unreadable)] == [
        "an alert of the group is neither firing nor resolved (2 of 5)",
        "an alert of the group has no labels (1 of 5)",
    ]
