"""Who may send: bearer tokens and access keys, several at once while one is replaced. Pure."""

import hashlib
import hmac
from collections.abc import Sequence

SHORTEST_TOKEN = 16
"""Shorter ones can be guessed."""


def tokens_of(setting: str) -> tuple[str, ...]:
    """The tokens in a setting, which has them between commas.

    Raises ValueError for one that is too short, or that no header can carry.
    """
    tokens = tuple(each.strip() for each in setting.split(",") if each.strip())
    for token in tokens:
        if len(token) < SHORTEST_TOKEN:
            raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ValueError("a token is made of printable ASCII characters without spaces")
    return tokens


def bearer(headers: Sequence[str]) -> str:
    """The token in the one `Authorization` header there is; empty when there is no such thing."""
    scheme, _, token = (headers[0] if len(headers) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def is_known(given: str, tokens: Sequence[str]) -> bool:
    """Whether it is one of the tokens; takes as long for a near miss as for a wild guess."""
    digest = _digest(given)
    return any([hmac.compare_digest(digest, _digest(token)) for token in tokens])


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
