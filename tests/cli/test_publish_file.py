"""`nightshift publish --file`: a body goes through the door of its real sender."""

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bus.errors import NotConfigured
from cli.publishing.file import is_asked, opens_none, parcels_of
from cli.publishing.parcels import Post, Queued
from cli.publishing.target import Target
from services.ingest.sns_addresses import place_of
from services.ingest.sns_message import read as read_sns
from tests.cli.test_publish import TOPIC, VARIABLES, keys

__all__ = ["keys"]


@pytest.fixture
def target(keys: Path) -> Target:
    return Target(VARIABLES, "http://127.0.0.1:9", signing=keys)


FLAT = json.dumps({"AlarmName": "cart-errors", "NewStateValue": "ALARM"})
ENVELOPE = json.dumps({"Type": "Notification", "TopicArn": "arn:x", "Message": FLAT})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (FLAT, "/triggers/sns"),
        (ENVELOPE, "/triggers/sns"),
        ('{"version": "4", "alerts": []}', "/triggers/alertmanager"),
        ('{"messageType": "DATA_MESSAGE", "logEvents": []}', "/triggers/logs"),
        ('{"requestId": "1", "timestamp": 1, "records": []}', "/triggers/logs"),
        ("command=%2Fdiagnose&team_id=T1&text=cart", "/slack/events"),
        ("payload=%7B%7D", "/slack/events"),
        ('{"type": "event_callback", "event": {}}', "/slack/events"),
        ('{"type": "block_actions", "user": {}, "actions": []}', "/slack/events"),
        ('{"envelope_id": "1", "type": "interactive", "payload": {}}', "/slack/events"),
        ('{"Type": "SubscriptionConfirmation", "Token": "1", "TopicArn": "a"}', "/triggers/sns"),
        ('{"Type": "UnsubscribeConfirmation", "Token": "1", "TopicArn": "a"}', "/triggers/sns"),
        ('{"detail-type": "CloudWatch Alarm State Change"}', ""),
        ('{"awslogs": {"data": ""}}', ""),
        ("[1, 2]", ""),
        ("not JSON {", ""),
    ],
)
def test_the_structure_of_a_file_says_which_door_it_goes_to(
    body: str, path: str, tmp_path: Path, target: Target
) -> None:
    file = tmp_path / "body"
    file.write_text(body, encoding="utf-8")
    (parcel,) = parcels_of(str(file), target, queue=False)
    assert (parcel.path if isinstance(parcel, Post) else "") == path
    assert list(parcels_of(str(file), target, queue=True)) == [Queued(body)]


@pytest.mark.parametrize(
    ("body", "opens", "asks"),
    [
        ('{"type": "url_verification", "challenge": "c"}', False, True),
        ('{"type": "block_actions", "user": {}, "actions": []}', False, True),
        ('{"type": "event_callback", "event": {"type": "app_mention"}}', True, True),
        ('{"Type": "SubscriptionConfirmation", "Token": "1", "TopicArn": "a"}', False, False),
        ('{"version": "4", "alerts": []}', True, False),
        ("not JSON {", True, False),
    ],
)
def test_of_what_opens_no_incident_none_is_missed(
    body: str, opens: bool, asks: bool, tmp_path: Path, target: Target
) -> None:
    """After a press it was said that it was ignored, that it waits, or that it was folded."""
    file = tmp_path / "body"
    file.write_text(body, encoding="utf-8")

    (parcel,) = parcels_of(str(file), target, queue=False)

    assert (not opens_none(parcel), is_asked(parcel)) == (opens, asks)


def only_parcel(found: dict[str, object], folder: Path, target: Target) -> Post:
    file = folder / "body"
    file.write_text(json.dumps(found), encoding="utf-8")
    (parcel,) = parcels_of(str(file), target, queue=False)
    assert isinstance(parcel, Post)
    return parcel


@pytest.mark.parametrize("is_enveloped", [False, True])
def test_a_press_in_slack_goes_out_as_the_form_that_slack_posts(
    is_enveloped: bool, tmp_path: Path, target: Target
) -> None:
    """It went into the queue of alarms."""
    press: dict[str, object] = {"type": "block_actions", "user": {"id": "U1"}, "actions": []}
    enveloped: dict[str, object] = {"envelope_id": "1", "type": "interactive", "payload": press}
    parcel = only_parcel(enveloped if is_enveloped else press, tmp_path, target)
    assert parcel.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert json.loads(parse_qs(parcel.body)["payload"][0]) == press


def test_what_a_socket_brings_is_posted_as_it_would_come_by_http(
    tmp_path: Path, target: Target
) -> None:
    command = {"command": "/diagnose", "team_id": "T1", "text": "cart & more"}
    posted_as_form = only_parcel(
        {"envelope_id": "1", "type": "slash_commands", "payload": command}, tmp_path, target
    )
    event = {"type": "event_callback", "event": {}}
    posted_as_json = only_parcel(
        {"envelope_id": "1", "type": "events_api", "payload": event}, tmp_path, target
    )
    assert parse_qs(posted_as_form.body)["text"] == ["cart & more"]
    assert json.loads(posted_as_json.body) == event
    assert posted_as_json.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_confirmation_is_signed_anew_and_names_the_rehearsed_host(
    kind: str, tmp_path: Path, target: Target
) -> None:
    odd = "a+token/of=SNS"
    sent: dict[str, object] = {"Type": kind, "Token": odd, "TopicArn": "arn:x", "Message": "x"}
    parcel = only_parcel(sent, tmp_path, target)
    message = read_sns(parcel.body.encode())
    assert (message.kind, message.topic_arn) == (kind, TOPIC)
    assert parcel.headers["x-amz-sns-message-type"] == kind
    place = place_of(TOPIC, endpoint="https://127.0.0.1:8443")
    assert parse_qs(place.confirmation(message.fields).partition("?")[2])["Token"] == [odd]


@pytest.mark.parametrize("queue", [True, False])
def test_an_empty_file_is_not_sent(queue: bool, tmp_path: Path, target: Target) -> None:
    file = tmp_path / "body"
    file.write_text(" \n", encoding="utf-8")

    with pytest.raises(NotConfigured, match="it is empty"):
        list(parcels_of(str(file), target, queue=queue))
