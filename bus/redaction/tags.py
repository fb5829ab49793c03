"""The tag that stands where a secret stood: `[secret:kind:hash8]`, or `[secret:kind]`.

The hash says "the same value as there". It is an HMAC, so that it is no dictionary oracle; a value
that could be guessed gets one only under a key of the installation's own (decision 0018).
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

TAG = re.compile(r"\[secret:[a-z][a-z0-9-]{1,19}(?::[0-9a-f]{8})?\]")
_NEVER = frozenset({"card", "cvv", "pin"})
"""Too few values: even a keyed hash would tell them to whoever may plant guesses in a log."""
_CHOSEN = frozenset({"password", "secret", "token", "key", "url", "basic", "cookie", "base64"})
"""Kinds whose value a person may have chosen, or that wrap such a one."""


@dataclass
class _Key:
    secret: bytes = b""


_key = _Key()
_PUBLIC = b"nightshift: tags without a key of their own"


def use_key(secret: str) -> None:
    """From now on tags of this process are made with that key; an empty one is the public one."""
    _key.secret = secret.encode()


def tag(kind: str, value: str) -> str:
    """The tag of a value: the same for the same value, key and kind."""
    if kind in _NEVER or (not _key.secret and guessable(kind, value)):
        return f"[secret:{kind}]"
    key = _key.secret or _PUBLIC
    digest = hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return f"[secret:{kind}:{digest[:8]}]"


def guessable(kind: str, value: str) -> bool:
    """Whether somebody could find the value by trying likely ones."""
    if kind == "base64":
        return True
    kinds = sum(bool(re.search(letters, value)) for letters in ("[a-z]", "[A-Z]", "[0-9]"))
    long = len(value) >= (20 if kinds == 3 else 32)
    return kind in _CHOSEN and not (long and kinds > 1 and len(set(value)) >= 10)
