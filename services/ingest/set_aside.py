"""What a known sender posted and nobody can read: a dead letter and a notice, once."""

from datetime import datetime

from bus.cleaning import clean
from bus.events import DeadLetter, NoticeRequested
from bus.streams import INCIDENTS
from services.ingest.fingerprint import body_hash
from services.ingest.ports import Fingerprints

MAX_KEPT_BYTES = 64 * 1024


async def set_aside(fingerprints: Fingerprints, body: str, *, reason: str, door: str) -> bool:
    """Both stand on their streams; whether they are on disk already. Raises Unavailable."""
    content = body_hash(body)
    letter = letter_of(body, reason=reason, content=content, now=await fingerprints.now())
    text = f"What was posted to {door} could not be read: {letter.reason}"
    notice = NoticeRequested(text=text[:2000], key=f"unreadable:{content}")
    return (await fingerprints.write_once(content, [letter, notice])).durable


def letter_of(body: str, *, reason: str, content: str, now: datetime) -> DeadLetter:
    """The dead letter of a body, cleaned and cut."""
    return DeadLetter(
        stream=INCIDENTS.name,
        group="ingest",
        entry_id=content,
        reason=clean(reason)[:2000],
        delivery_count=1,
        fields={"body": clean(body).encode()[:MAX_KEPT_BYTES].decode("utf-8", "ignore")},
        set_aside_at=now,
    )
