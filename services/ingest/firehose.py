"""The requests of Amazon Data Firehose to an HTTP endpoint, and the answers that it takes. Pure.

Firehose counts as delivered only what is answered with 200 and a body that names the request.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from bus.errors import Rejected
from services.ingest.strict_json import document

MOST_RECORDS = 10_000
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")


@dataclass(frozen=True)
class Delivery:
    """One request: its id, and its records as they were put into the stream."""

    request_id: str
    records: tuple[bytes, ...]


def read(body: bytes, *, request_id: str) -> Delivery:
    """The delivery in a body; `request_id` is the header's.

    Raises Rejected when Firehose sends no such thing.
    """
    found = document(body)
    named = found.get("requestId")
    if not isinstance(named, str) or known_id(named) != named:
        raise Rejected("requestId is missing or no id")
    if request_id and request_id != named:
        raise Rejected("requestId is not the one in the header")
    records = found.get("records")
    if not isinstance(records, list) or len(records) > MOST_RECORDS:
        raise Rejected(f"records is no list of at most {MOST_RECORDS}")
    return Delivery(named, tuple(_record(record) for record in records))


def known_id(text: str) -> str:
    """The text, if it has the form of a request's id; else nothing."""
    return text if _REQUEST_ID.fullmatch(text) else ""


def _record(record: object) -> bytes:
    text = record.get("data") if isinstance(record, dict) else None
    if not isinstance(text, str):
        raise Rejected("a record has no data")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("a record's data is not base64") from None
