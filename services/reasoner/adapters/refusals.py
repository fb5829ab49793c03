"""What an answer of the model API means that is no reply: it passes, it is for good, too long."""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from anthropic import APIConnectionError, APIStatusError
from httpx2 import LocalProtocolError

from bus.cleaning import clean
from services.reasoner.ports import SaidNo, TooLong

REFUSED_FOR_GOOD = (401, 403, 404)
PASSING = (408, 409, 429)
TOO_LARGE = 413
SPENT = "enforced_spend_limit_reached"
"""A 429 with this code passes when the month is over, and not before."""
SAME_REFUSAL = 3
_TOO_LONG = re.compile(
    r"prompt is too long|input is too long|exceed(s|ed)? (the )?(model's )?(maximum )?context"
    r"|(maximum|model's) context (length|window)|context_length_exceeded",
    re.IGNORECASE,
)
"""As Anthropic, Bedrock, vLLM and LiteLLM say it; there is no code for it."""


def is_overload(error: APIStatusError) -> bool:
    """Whether the API itself fails: what a breaker counts, and another model may not."""
    return error.status_code >= 500 or error.status_code == 408


def kind_of(error: APIStatusError) -> str:
    """Which of the few kinds of errors it counts as."""
    limited = "limited" if error.status_code == 429 else "refused"
    return "overloaded" if is_overload(error) else limited


def asked_wait(error: APIStatusError, *, now: datetime | None = None) -> float | None:
    """The seconds that the API asks to wait for, more than none; None where it asks for no wait.

    `retry-after-ms` counts before `retry-after`, which is a number of seconds or a date.
    """
    headers = error.response.headers
    after = str(headers.get("retry-after", ""))
    found = (
        _number(str(headers.get("retry-after-ms", "")), parts=1000),
        _number(after, parts=1),
        _until(after, now=now or datetime.now(UTC)),
    )
    return next((wait for wait in found if wait is not None and wait > 0), None)


def _number(text: str, *, parts: int) -> float | None:
    try:
        wait = float(text) / parts
    except ValueError:
        return None
    return wait if math.isfinite(wait) else None


def _until(text: str, *, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()


def stop_at_refusal(error: APIStatusError, *, times: int) -> None:
    """Raises SaidNo when the API refuses for good: at once, or with the same refusal again."""
    spent = _code(error) == SPENT
    status = error.status_code
    if status >= 500 or (status in PASSING and not spent):
        return
    reason = reason_of(error)
    if status == TOO_LARGE or (status == 400 and _TOO_LONG.search(reason)):
        raise TooLong(f"the model API refused: {reason}")
    if 300 <= status < 400:
        where = clean(error.response.headers.get("location", "elsewhere"))[:200]
        raise SaidNo(f"the model API refused: {status} it redirects to {where}; none is followed")
    if spent or status in REFUSED_FOR_GOOD or times >= SAME_REFUSAL:
        raise SaidNo(f"the model API refused: {reason}")


def told(error: Exception) -> str:
    """Why there was no usable answer, redacted.

    Of what could not be sent only the kind is told: such errors show the header, credentials and
    all.
    """
    cause = error.__cause__ if isinstance(error, APIConnectionError) else None
    if isinstance(cause or error, LocalProtocolError | UnicodeError):
        return f"{type(cause or error).__name__}: a header cannot be sent"
    return clean(str(cause) if cause else repr(error))


def reason_of(error: APIStatusError) -> str:
    """Status, kind and words of a refusal, redacted."""
    said = error.api_message or error.message
    return clean(f"{error.status_code} {error.type or ''}: {said}".replace(" :", ":"))[:500]


def _code(error: APIStatusError) -> str:
    """What the answer's `details` say it is about; empty where there are none."""
    body: Any = error.body
    for name in ("error", "details", "error_code"):
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, str) else ""
