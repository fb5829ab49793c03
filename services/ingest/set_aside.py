"""What a known sender posted and nobody can read: a dead letter and a notice, once."""

from services.ingest.fingerprint import body_hash
from services.ingest.ports import Fingerprints
from services.ingest.refusal import refusal_of


async def set_aside(fingerprints: Fingerprints, body: str, *, reason: str, door: str) -> bool:
    """Both stand on their streams; whether they are on disk already. Raises Unavailable."""
    refusal = refusal_of(body, reason, at=await fingerprints.now(), what=f"What came to {door}")
    return (await fingerprints.write_once(body_hash(body), refusal)).durable
