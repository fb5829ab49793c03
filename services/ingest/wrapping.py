"""Layers around an alarm: SNS notifications, Lambda records, JSON as text within JSON.

Pure. What is inside is told by structure alone, because the same queue may receive raw deliveries,
SNS subscriptions and EventBridge targets side by side.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bus.errors import Rejected
from services.ingest.trigger import Ignored

MAX_LAYERS = 6
MAX_LOG_BATCH_BYTES = 16 * 1024 * 1024

Document = Mapping[str, object]


@dataclass(frozen=True)
class Unwrapped:
    """The innermost document, and the SNS topic it came through, if any."""

    document: Document
    topic_arn: str = ""


def messages_of(body: str) -> list[object]:
    """The messages in a queue body: one, or one for each record of a forwarded Lambda event.

    Raises Rejected where the body starts as JSON and is not.
    """
    outer = _parsed(body)
    records = outer.get("Records") if isinstance(outer, dict) else None
    if not isinstance(records, list):
        return [outer]
    return [_inside_record(record) for record in records]


def unwrap(message: object) -> Unwrapped | Ignored:
    """The innermost document of a message, as plain JSON.

    Raises Rejected for broken JSON, a broken log batch, or more layers than anybody sends.
    """
    topic_arn = ""
    for _ in range(MAX_LAYERS):
        inner = _parsed(message) if isinstance(message, str) else message
        if not isinstance(inner, dict):
            return Ignored("not an alarm: plain text or a bare value")
        kind = inner.get("Type")
        if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
            return Ignored(f"SNS {kind}: a person confirms it, nothing is investigated")
        if "TopicArn" not in inner or "Message" not in inner:
            return _document(inner, topic_arn)
        topic_arn = str(inner["TopicArn"])
        message = inner["Message"]
    raise Rejected(f"the message is wrapped more than {MAX_LAYERS} times")


def cleaned(value: object, clean: Callable[[str], str]) -> object:
    """The same JSON with every text in it cleaned, names included; lone surrogates are replaced."""
    if isinstance(value, str):
        return clean(value.encode("utf-8", "replace").decode("utf-8"))
    if isinstance(value, dict):
        return {str(cleaned(name, clean)): cleaned(inner, clean) for name, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner, clean) for inner in value]
    return value


def _parsed(text: str) -> object:
    """JSON where the text starts as JSON, else the text as it is."""
    start = text.lstrip("\ufeff \t\r\n")
    if not start.startswith(("{", "[")):
        return text
    try:
        return json.loads(start)
    except ValueError as error:
        raise Rejected(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise Rejected("the body is nested too deeply to be read") from None


def _inside_record(record: object) -> object:
    if not isinstance(record, dict):
        return record
    for name in ("body", "Sns"):
        if name in record:
            return record[name]
    return record


def _document(inner: Document, topic_arn: str) -> Unwrapped | Ignored:
    logs = inner.get("awslogs")
    if isinstance(logs, dict):
        _check_log_batch(logs.get("data"))
        return Ignored("a CloudWatch Logs batch does not arrive through this queue")
    return Unwrapped(inner, topic_arn)


def _check_log_batch(text: object) -> None:
    # Some producers send zlib instead of gzip: the header decides.
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        unpack.decompress(base64.b64decode(str(text), validate=True), MAX_LOG_BATCH_BYTES)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise Rejected(f"a CloudWatch Logs batch cannot be unpacked: {error}") from None
