"""Real payloads of every kind, the project's own and the open cases, lead to the wanted action.

The open cases lie beside the repository; the own fixtures are of the same kinds, so that a clone
alone shows the same.
"""

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bus.cleaning import clean
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.reading import read
from services.ingest.trigger import Found, Ignored, Raised, Recovered, Unreadable

OWN = Path(__file__).parents[1] / "fixtures" / "triggers"
OPEN = Path(__file__).parents[3] / "shared" / "cases" / "triggers"
MISLABELLED = {"trg-a-tf-alarm-sns": "resolve"}
"""The same JSON as `trg-a-edge-alarm-ok` but for white space: `NewStateValue` is OK in both."""
KINDS = {
    "alertmanager_webhook",
    "bad_inner_data",
    "cloudwatch_alarm_inner_message",
    "cloudwatch_alarm_lambda",
    "cloudwatch_alarm_recovery",
    "cloudwatch_alarm_via_sns",
    "cloudwatch_composite_alarm_lambda",
    "cloudwatch_logs_subscription",
    "cloudwatch_logs_subscription_zlib_not_gzip",
    "cloudwatch_logs_via_kinesis",
    "eventbridge_alarm_configuration_change",
    "eventbridge_alarm_state_change",
    "eventbridge_other",
    "malformed_json",
    "missing_field",
    "not_an_alarm",
    "slack_app_mention",
    "slack_block_actions",
    "slack_message",
    "slack_other_event",
    "slack_retry",
    "slack_shortcut",
    "slack_slash_command",
    "slack_socket_mode_envelope",
    "slack_url_verification",
    "sns_lambda_not_an_alarm",
    "sns_plain_text",
    "sns_subscription_confirmation",
    "sqs_dead_letter",
    "sqs_plain",
    "sqs_wrapped_sns",
    "sqs_wrapped_sns_alarm",
    "sqs_wrapped_sns_fifo",
}
ACTIONS: dict[type[Found | Unreadable], str] = {
    Raised: "incident",
    Recovered: "resolve",
    Unreadable: "reject",
}


def cases() -> list[Path]:
    """The folders of all cases; the open ones only where they are."""
    return sorted(path.parent for root in (OWN, OPEN) for path in root.glob("*/expected.json"))


def said_of(case: Path, name: str) -> str:
    return str(json.loads((case / "expected.json").read_text())[name])


def body_of(case: Path) -> str:
    (path,) = case.glob("payload.*")
    return path.read_text()


def actions_of(case: Path) -> set[str]:
    """What every door that is no Slack does with it: they read by the same structure."""
    return {_action_of(found) for found in read(body_of(case), clean=clean)}


def _action_of(found: Found | Unreadable) -> str:
    if isinstance(found, Ignored):
        return "confirm" if "SubscriptionConfirmation" in found.reason else "ignore"
    return ACTIONS[type(found)]


def _of_slack() -> Callable[[Path], str] | None:
    """`action_of_slack(case)` of `tests.ingest.slack.cases`, where it stands."""
    try:
        module = importlib.import_module("tests.ingest.slack.cases")
    except ModuleNotFoundError:
        return None
    found: Callable[[Path], str] = module.action_of_slack
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_real_payload_leads_to_the_wanted_action(case: Path) -> None:
    want = MISLABELLED.get(case.name) or said_of(case, "want")
    if not said_of(case, "kind").startswith("slack_"):
        assert actions_of(case) == {want}
        return
    action_of_slack = _of_slack()
    if action_of_slack is None:
        pytest.skip("Slack's door is not built yet")
    assert action_of_slack(case) == want


def test_the_projects_own_cases_are_of_every_kind() -> None:
    own = [case for case in cases() if case.is_relative_to(OWN)]

    assert {said_of(case, "kind") for case in own} == KINDS


@pytest.mark.skipif(not OPEN.is_dir(), reason="the open cases lie beside the repository")
def test_the_open_cases_are_of_no_further_kind() -> None:
    found = [case for case in cases() if case.is_relative_to(OPEN)]

    assert len(found) == 41
    assert {said_of(case, "kind") for case in found} == KINDS


@pytest.mark.parametrize(
    ("case", "service"),
    [
        ("own-alarm-plain", "cartservice"),
        ("own-alarm-sns-math", "checkoutservice"),
        ("own-alarm-sns-anomaly", "frontend"),
        ("own-logs-gzip", "checkoutservice"),
        ("own-logs-kinesis-timeout", "thumbnails"),
        ("own-alertmanager-firing", "cartservice"),
        ("trg-a-edge-eventbridge-alarm", "cartservice"),
        ("trg-a-pt-cloudwatchalarmeventcompositemetric", "CompositeDemo.Main"),
        ("trg-a-tf-alarm-event", "Example"),
        ("trg-a-os-alertmanager", "checkout-api"),
    ],
)
def test_a_real_alarm_opens_an_incident_about_its_service(case: str, service: str) -> None:
    folder = (OPEN if case.startswith("trg-") else OWN) / case
    if not folder.is_dir():
        pytest.skip("the open cases lie beside the repository")

    found = read(body_of(folder), clean=clean)[0]

    assert isinstance(found, Raised)
    assert incident_of(found, service_of(found.alarm)).service == service
