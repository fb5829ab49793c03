"""Whether anything that comes in could be written: where not, every door answers 503."""

from bus.errors import Unavailable
from services.ingest.ports import Fingerprints


async def takes_writes(fingerprints: Fingerprints) -> str:
    """For readiness: why nothing can be written now, in a sentence, or nothing."""
    try:
        await fingerprints.ready()
    except Unavailable as error:
        return str(error)
    return ""
