"""Moments that a call names."""

import re
from datetime import UTC, datetime

from services.toolrunner.servers.not_read import NotRead

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?")


def moment_of(text: str) -> datetime:
    """A day or a time in ISO 8601, in UTC where it names no zone. Raises NotRead."""
    if not _MOMENT.fullmatch(text):
        raise NotRead("a time is ISO 8601, such as 2026-11-29 or 2026-11-29T18:00:00Z")
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise NotRead(f"there is no such time as {text}") from None
