"""A file's body, told by its structure: through which door its real sender would send it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from bus.errors import NotConfigured
from cli.publishing.parcels import (
    ANY_TOPIC,
    PATHS,
    Parcel,
    Post,
    Queued,
    delivered,
    notice,
    notified,
    signed_for_slack,
    signed_notice,
)
from cli.publishing.target import Target

NOW = "{now}"
"""In a body it stands for the moment of sending: an alarm of the same moment is the same alarm."""
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_PRESSED = ("block_actions", "shortcut", "message_action", "view_submission", "view_closed")
_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


def parcels_of(path: str, target: Target, *, queue: bool) -> Iterator[Parcel]:
    """What is to be sent for that file; with `queue` its body as it is, whatever it is.

    `{now}` in it is the moment of sending.

    Raises NotConfigured where it cannot be read or its door is not known.
    """
    try:
        body = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"{path} was not sent: {error}") from None
    if not body.strip():
        raise NotConfigured(f"{path} was not sent: it is empty")
    body = body.replace(NOW, datetime.now(UTC).isoformat())
    yield Queued(body) if queue else _parcel(body, target)


def opens_none(parcel: Parcel) -> bool:
    """Whether no incident comes of it whatever ingest does: its answer says all there is to say.

    So it is with what is pressed in Slack, with its challenge and with a confirmation of SNS.
    """
    if isinstance(parcel, Queued):
        return False
    if parcel.headers.get("Content-Type") == _FORM:
        return parcel.body.startswith("payload=")
    found = json.loads(parcel.body)
    return found.get("type") == "url_verification" or found.get("Type") in _CONFIRMATIONS


def is_asked(parcel: Parcel) -> bool:
    """Whether a person in Slack asks, who alone is told what came of it."""
    return isinstance(parcel, Post) and parcel.path == PATHS["slack"]


def _parcel(body: str, target: Target) -> Parcel:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return _text(body, target)
    if not isinstance(found, dict):
        return Queued(body)
    return _document(found, body, target=target)


def _text(body: str, target: Target) -> Parcel:
    fields = parse_qs(body)
    if "payload" in fields or {"command", "team_id"} <= fields.keys():
        return signed_for_slack(body.strip(), target, kind=_FORM)
    return Queued(body)


def _document(found: dict[str, object], body: str, *, target: Target) -> Parcel:
    if isinstance(found.get("alerts"), list):
        return notified(body, target)
    of_slack = _of_slack(found, body)
    if of_slack is not None:
        return signed_for_slack(of_slack[0], target, kind=of_slack[1])
    if "logEvents" in found:
        from simulator.senders import cloudwatch

        return delivered([cloudwatch.packed(found)], target)
    if isinstance(found.get("records"), list) and "requestId" in found:
        return Post("/triggers/logs", body, delivered([], target).headers)
    return _of_sns(found, body, target=target)


def _of_slack(found: dict[str, object], body: str) -> tuple[str, str] | None:
    """Body and kind as Slack posts it, also of what a socket brings; nothing for anything else."""
    held = found.get("payload")
    if "envelope_id" in found and isinstance(held, dict):
        if found.get("type") == "slash_commands":
            return urlencode(held), _FORM
        if found.get("type") == "interactive":
            return urlencode({"payload": json.dumps(held)}), _FORM
        return json.dumps(held), _JSON
    if found.get("type") in ("url_verification", "event_callback"):
        return body, _JSON
    return (urlencode({"payload": body}), _FORM) if found.get("type") in _PRESSED else None


def _of_sns(found: dict[str, object], body: str, *, target: Target) -> Parcel:
    """An alarm as SNS delivers it where that door is open; everything else into the queue."""
    is_confirmation = found.get("Type") in _CONFIRMATIONS and "Token" in found
    is_envelope = {"Type", "TopicArn", "Message"} <= found.keys()
    is_alarm = "AlarmName" in found and "NewStateValue" in found
    if not target.url or not target.variables.get("NIGHTSHIFT_SNS_TOPICS"):
        return Queued(json.dumps(notice(body, ANY_TOPIC)) if is_alarm else body)
    if is_alarm:
        return signed_notice(notice(body, target.needs("NIGHTSHIFT_SNS_TOPICS")), target)
    if is_confirmation:
        return signed_notice(_confirmation(found, target), target)
    if is_envelope and found["Type"] == "Notification":
        fresh = notice(
            str(found["Message"]),
            target.needs("NIGHTSHIFT_SNS_TOPICS"),
            subject=str(found.get("Subject") or ""),
        )
        return signed_notice(fresh, target)
    return Queued(body)


def _confirmation(found: dict[str, object], target: Target) -> dict[str, str]:
    """The same question about a topic that this ingest takes, at the host of the test key."""
    from cli.publishing.signing import confirmation_url

    topic, token = target.needs("NIGHTSHIFT_SNS_TOPICS"), str(found["Token"])
    envelope = notice(str(found.get("Message", "")), topic)
    url = confirmation_url(topic, token, target=target)
    return envelope | {"Type": str(found["Type"]), "Token": token, "SubscribeURL": url}
