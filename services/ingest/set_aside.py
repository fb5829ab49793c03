"""What a known sender posted and nobody can read: a dead letter and a notice, once."""

from bus.streams import INCIDENTS
from services.ingest.fingerprint import body_hash
from services.ingest.ports import Fingerprints
from services.ingest.refusal import refusal_of


async def set_aside(fingerprints: Fingerprints, body: str, *, reason: str, door: str) -> bool:
    """Both stand on their streams; whether they are on disk already. Raises Unavailable."""
    what, at = f"What came to {door} could not be read", await fingerprints.now()
    refusal = refusal_of(body, reason, stream=INCIDENTS.name, at=at, what=what)
    return (await fingerprints.write_once(body_hash(body), refusal)).durable
