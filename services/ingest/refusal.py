"""What cannot be an incident: set aside for a person, with one sentence that says why. Pure."""

import re
from datetime import datetime

from bus.cleaning import clean
from bus.events import DeadLetter, NoticeRequested
from services.ingest.fingerprint import body_hash
from services.ingest.wrapping import cleaned

MAX_KEPT_BYTES = 64 * 1024
MAX_REASON_CHARACTERS = 2000
_FIGURES = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")
QUEUED = "A message in the alarm queue could not be read"
ALARM = "An alarm was refused"


def refusal_of(
    body: str,
    reason: str,
    *,
    stream: str,
    at: datetime,
    what: str = QUEUED,
) -> tuple[DeadLetter, NoticeRequested]:
    """The dead letter and the notice; notices about what was refused alike are one."""
    content = body_hash(body)
    letter = DeadLetter(
        stream=stream,
        group="ingest",
        entry_id=content,
        reason=clean(reason)[:MAX_REASON_CHARACTERS],
        delivery_count=1,
        fields={
            "body": str(cleaned(body, clean)).encode()[:MAX_KEPT_BYTES].decode("utf-8", "ignore")
        },
        set_aside_at=at,
    )
    return letter, notice_of(reason, what=what)


def notice_of(reason: str, *, what: str) -> NoticeRequested:
    """The notice; its key is that of all that was refused alike."""
    return NoticeRequested(
        text=f"{what}: {clean(reason)}"[:MAX_REASON_CHARACTERS],
        key=f"refused:{body_hash(f'{what}: {alike(reason)}')}",
    )


def alike(reason: str) -> str:
    """The reason without figures and quoted names: of all that are refused alike the same."""
    return _FIGURES.sub("#", reason)
