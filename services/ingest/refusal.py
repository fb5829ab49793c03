"""What cannot be an incident: set aside for a person, with one sentence that says why. Pure."""

from datetime import datetime

from bus.cleaning import clean
from bus.events import DeadLetter, NoticeRequested
from bus.streams import INCIDENTS
from services.ingest.fingerprint import body_hash
from services.ingest.wrapping import cleaned

MAX_KEPT_BYTES = 64 * 1024
MAX_REASON_CHARACTERS = 2000
QUEUED = "A message in the alarm queue"


def refusal_of(
    body: str,
    reason: str,
    *,
    at: datetime,
    is_alarm: bool = False,
    what: str = QUEUED,
) -> tuple[DeadLetter, NoticeRequested]:
    """The dead letter and the notice; notices about alarms that were refused alike are one."""
    content = body_hash(body)
    letter = DeadLetter(
        stream=INCIDENTS.name,
        group="ingest",
        entry_id=content,
        reason=clean(reason)[:MAX_REASON_CHARACTERS],
        delivery_count=1,
        fields={
            "body": str(cleaned(body, clean)).encode()[:MAX_KEPT_BYTES].decode("utf-8", "ignore")
        },
        set_aside_at=at,
    )
    said = "An alarm was refused" if is_alarm else f"{what} could not be read"
    notice = NoticeRequested(
        text=f"{said}: {letter.reason}"[:MAX_REASON_CHARACTERS],
        key=f"refused:{body_hash(reason)}" if is_alarm else f"unreadable:{content}",
    )
    return letter, notice
