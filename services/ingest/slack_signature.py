"""Whether a request comes from Slack: its signature, in every form that a forger may choose. Pure.

The SDK's own verifier raises for a timestamp that is no number and for a signature that is not
ASCII; here whatever is not exactly what Slack sends is a reason, never an error.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

WINDOW_SECONDS = 300
TIMESTAMP = b"x-slack-request-timestamp"
SIGNATURE = b"x-slack-signature"
_SECONDS = re.compile(rb"[0-9]{1,12}")
_FORM = re.compile(rb"v0=[0-9a-f]{64}")

Headers = Sequence[tuple[bytes, bytes]]


def why_unlikely(headers: Headers, *, now: float) -> str:
    """Why a request with this head cannot be Slack's, whatever its body; empty when it may be."""
    stamps, signatures = _of(headers, TIMESTAMP), _of(headers, SIGNATURE)
    if len(stamps) != 1 or len(signatures) != 1:
        return "it does not have one timestamp and one signature"
    if not _SECONDS.fullmatch(stamps[0]):
        return "its timestamp is no number of seconds"
    if abs(now - int(stamps[0])) > WINDOW_SECONDS:
        return "its timestamp is more than five minutes away"
    if not _FORM.fullmatch(signatures[0]):
        return "its signature has not the form of one"
    return ""


def why_forged(secret: str, headers: Headers, *, body: bytes, now: float) -> str:
    """Why Slack did not send this now, in a few words; empty when it did.

    The signature is that of the body's very bytes; names of headers are lower case.
    """
    if unlikely := why_unlikely(headers, now=now):
        return unlikely
    (stamp,), (signature,) = _of(headers, TIMESTAMP), _of(headers, SIGNATURE)
    if not hmac.compare_digest(sign(secret, stamp, body=body), signature):
        return "its signature is not that of its body"
    return ""


def sign(secret: str, stamp: bytes, *, body: bytes) -> bytes:
    """The signature that Slack puts on a body at that moment."""
    digest = hmac.new(secret.encode(), b"v0:" + stamp + b":" + body, hashlib.sha256)
    return b"v0=" + digest.hexdigest().encode()


def _of(headers: Headers, name: bytes) -> list[bytes]:
    return [value for other, value in headers if other == name]
