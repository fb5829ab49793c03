"""The real payloads of the open cases, as far as they can arrive in an alarm queue."""

import json
from pathlib import Path

import pytest

from bus.cleaning import clean
from bus.errors import Rejected
from services.ingest.alarm import read
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.trigger import Ignored, Raised, Recovered
from services.ingest.wrapping import messages_of

CASES = Path(__file__).parents[3] / "shared" / "cases" / "triggers"
OTHER_WAYS_IN = ("slack_", "alertmanager_", "cloudwatch_logs_")
"""Kinds that come by HTTP or Socket Mode, never through the alarm queue."""
MISLABELLED = {"trg-a-tf-alarm-sns": "resolve"}
"""The payload says `NewStateValue: OK`, word for word as `trg-a-edge-alarm-ok` does."""


def cases() -> list[Path]:
    """The folders of the cases that an alarm queue can hold."""
    found = sorted(CASES.glob("*/expected.json")) if CASES.is_dir() else []
    return [path.parent for path in found if not kind_of(path).startswith(OTHER_WAYS_IN)]


def kind_of(expected: Path) -> str:
    return str(json.loads(expected.read_text())["kind"])


def action_of(message: object) -> str:
    try:
        match read(message, clean=clean):
            case Raised():
                return "incident"
            case Recovered():
                return "resolve"
            case Ignored(reason=reason):
                return "confirm" if "SubscriptionConfirmation" in reason else "ignore"
    except Rejected:
        return "reject"


def body_of(case: Path) -> str:
    (path,) = case.glob("payload.*")
    return path.read_text()


@pytest.mark.skipif(not CASES.is_dir(), reason="the open cases lie beside the repository")
def test_there_are_cases_of_every_action() -> None:
    wants = {json.loads((case / "expected.json").read_text())["want"] for case in cases()}

    assert wants == {"incident", "resolve", "ignore", "reject", "confirm"}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_real_payload_leads_to_the_wanted_action(case: Path) -> None:
    want = MISLABELLED.get(case.name) or json.loads((case / "expected.json").read_text())["want"]

    try:
        actions = {action_of(message) for message in messages_of(body_of(case))}
    except Rejected:
        actions = {"reject"}

    assert actions == {want}


@pytest.mark.skipif(not CASES.is_dir(), reason="the open cases lie beside the repository")
@pytest.mark.parametrize(
    ("case", "service"),
    [
        ("trg-a-edge-eventbridge-alarm", "cartservice"),
        ("trg-a-pt-cloudwatchalarmeventcompositemetric", "CompositeDemo.Main"),
        ("trg-a-tf-alarm-event", "Example"),
    ],
)
def test_a_real_alarm_opens_an_incident_about_its_service(case: str, service: str) -> None:
    (message,) = messages_of(body_of(CASES / case))
    found = read(message, clean=clean)

    assert isinstance(found, Raised)
    assert incident_of(found, service_of(found.alarm)).service == service
