"""What SNS posts to an HTTP address, and the text that it signs. Pure.

The text is made of lines without lengths, so a field that could hold a line break could pose as two
fields. All but `Message`, which stands first, are therefore refused with one.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from bus.errors import Rejected
from services.ingest.strict_json import Json, document

Kind = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
KINDS = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")
OLDEST = timedelta(minutes=15)
"""What was signed longer ago, or lies as far in the future, is refused."""

_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,2048}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{1,100}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)


class Forged(Rejected):
    """It is not from whom it says it is; its text is for the log and for whoever sent it."""


@dataclass(frozen=True)
class SnsMessage:
    """One message of SNS as posted: well formed, and not yet known to be from SNS."""

    kind: Kind
    topic_arn: str
    message_id: str
    sent_at: datetime
    fields: dict[str, str]
    """The fields that are signed, by name; no other one is ever read."""
    signature: bytes
    version: Literal["1", "2"]
    certificate_url: str

    @property
    def signed_text(self) -> bytes:
        """The very bytes that SNS has signed."""
        names = _NOTIFICATION if self.kind == "Notification" else _CONFIRMATION
        lines = (f"{name}\n{self.fields[name]}\n" for name in names if name in self.fields)
        return "".join(lines).encode()

    @property
    def body(self) -> str:
        """The signed fields alone, as JSON: what stood beside them may be anybody's."""
        return json.dumps(self.fields)


def read(body: bytes) -> SnsMessage:
    """The message in a body; raises Rejected when SNS sends no such thing."""
    found = document(body)
    kind = found.get("Type")
    if kind not in KINDS:
        raise Rejected("Type is none of " + ", ".join(KINDS))
    fields = _signed_fields(found, cast(Kind, kind))
    return SnsMessage(
        kind=cast(Kind, kind),
        topic_arn=fields["TopicArn"],
        message_id=_like(_MESSAGE_ID, fields["MessageId"], name="MessageId"),
        sent_at=_moment(fields["Timestamp"]),
        fields=fields,
        signature=_signature(found.get("Signature")),
        version=_version(found.get("SignatureVersion")),
        certificate_url=_text(found, "SigningCertURL"),
    )


def is_recent(message: SnsMessage, now: datetime) -> bool:
    """Whether it was signed within the last minutes, and not in a future that is not near."""
    return abs(now - message.sent_at) <= OLDEST


def _signed_fields(found: Json, kind: Kind) -> dict[str, str]:
    names = _NOTIFICATION if kind == "Notification" else _CONFIRMATION
    fields: dict[str, str] = {}
    for name in names:
        if name == "Subject" and found.get(name) is None:
            continue
        fields[name] = _text(found, name)
        if name != "Message":
            _like(_ONE_LINE, fields[name], name=name)
    return fields


def _text(found: Json, name: str) -> str:
    text = found.get(name)
    if not isinstance(text, str):
        raise Rejected(f"{name} is missing" if text is None else f"{name} is no text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Rejected(f"{name} holds half a character") from None
    return text


def _like(pattern: re.Pattern[str], text: str, *, name: str) -> str:
    if not pattern.fullmatch(text):
        raise Rejected(f"{name} is not of the form that SNS gives it")
    return text


def _moment(text: str) -> datetime:
    _like(_TIMESTAMP, text, name="Timestamp")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise Rejected("Timestamp is no moment") from None


def _signature(given: object) -> bytes:
    try:
        found = base64.b64decode(given if isinstance(given, str) else "", validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("Signature is not base64") from None
    if not found:
        raise Rejected("Signature is missing")
    return found


def _version(given: object) -> Literal["1", "2"]:
    if given in ("1", "2"):
        return given
    raise Rejected("SignatureVersion is neither 1 nor 2")
