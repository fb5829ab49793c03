"""What a known sender sent and nobody can read: a dead letter, and a notice for all alike."""

from bus.cleaning import clean
from bus.events import NoticeRequested
from bus.streams import INCIDENTS
from services.ingest.fingerprint import body_hash
from services.ingest.ports import Fingerprints, Written
from services.ingest.refusal import MAX_REASON_CHARACTERS, notice_of, refusal_of
from services.ingest.telling import noted
from services.ingest.trigger import Decision

MOST_AN_HOUR = 20
"""Letters of a door that were refused alike: its sender is told, and keeps what it has."""


async def set_aside(
    fingerprints: Fingerprints, body: str, *, reason: str, what: str, most: int = 0
) -> Decision:
    """The letter stands on its stream, and once an hour a notice about all that are alike.

    Beyond `most` within the hour (0: never) no letter is kept, which a second notice says. That it
    was rejected stands among the decisions. Raises Unavailable; then a second try writes only what
    is missing.
    """
    written = await _written(fingerprints, body, reason=reason, what=what, most=most)
    said = clean(reason)[:MAX_REASON_CHARACTERS]
    decision = Decision("rejected", said, durable=written.durable)
    return await noted(decision, fingerprints) if written.first else decision


async def _written(
    fingerprints: Fingerprints, body: str, *, reason: str, what: str, most: int
) -> Written:
    at = await fingerprints.now()
    letter, notice = refusal_of(body, reason, stream=INCIDENTS.name, at=at, what=what)
    content, sort = body_hash(body), f"{notice.key}:{at:%Y-%m-%dT%H}"
    if most and not await fingerprints.has_room(content, sort, most=most):
        said = f"{notice.text[:1800]} (more than {most} within an hour: no more are kept)"
        notice = NoticeRequested(text=said, key=f"{notice.key}:more")
        return await fingerprints.write_once(body_hash(f"{sort}:more"), [notice])
    kept = await fingerprints.write_once(content, [letter])
    told = await fingerprints.write_once(body_hash(sort), [notice])
    return Written(first=kept.first, durable=kept.durable and told.durable)


async def tell_lost(fingerprints: Fingerprints, *, reason: str, what: str) -> None:
    """Once an hour a notice says what a known sender sent and nobody keeps. Raises Unavailable."""
    at, notice = await fingerprints.now(), notice_of(reason, what=what)
    await fingerprints.write_once(body_hash(f"{notice.key}:{at:%Y-%m-%dT%H}"), [notice])
