"""How Slack signs what it sends over HTTP; written from its pages, not from what verifies it."""

import hmac
import time


def signed_headers(body: bytes, secret: str, *, at: float | None = None) -> dict[str, str]:
    """The two headers that prove the body; `at` is a moment other than now."""
    stamp = str(int(time.time() if at is None else at))
    base = b":".join((b"v0", stamp.encode(), body))
    digest = hmac.digest(secret.encode(), base, "sha256").hex()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}
