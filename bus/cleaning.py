"""What untrusted text goes through before it is stored or shown: strip, normalize, redact.

Stripped: escape sequences, control characters but newline and tab, and whatever nobody can see
(`bus.redaction.unseen`; security.md, T8). Normalized to NFC. Secrets become tags
`[secret:kind:hash8]` (`bus.redaction.redacting`; T9). Addresses, ids and hashes are evidence and
stay. docs/redaction.md tells users the same.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from bus.redaction.redacting import known, redact
from bus.redaction.unseen import without_unseen


@dataclass(frozen=True)
class Cleaned:
    """A cleaned text, how much was taken out of it, and how many secrets of each kind."""

    text: str
    redactions: int
    stripped: int
    kinds: Mapping[str, int] = field(default_factory=dict)


LONGEST = 50_000
"""More characters are not cleaned for a line in a log or a word in a trace: that takes its time."""


def clean(text: str) -> str:
    """The text without invisible characters and secrets."""
    return clean_counted(text).text


def in_short(text: str, most: int) -> str:
    """The beginning of the cleaned text: what is cut before it is cleaned may be half a secret."""
    return clean(text)[:most] if len(text) <= LONGEST else f"({len(text)} characters, left out)"


def clean_counted(text: str) -> Cleaned:
    """The cleaned text with counts. Cleaning a cleaned text changes nothing."""
    plain = without_unseen(text)
    stripped = len(text) - len(plain)
    found = redact(unicodedata.normalize("NFC", plain))
    kinds = dict(sorted(found.kinds.items()))
    return Cleaned(found.text, sum(kinds.values()), stripped, kinds)


def holds_secret(text: str) -> bool:
    """Whether a text, such as the arguments of a tool call, holds a secret by its own form.

    That is a published format, a JWT, a private key, a password in an address, or one of these in
    base64. A search for `password: ...` holds none: a name alone makes no argument a secret.
    """
    return known(unicodedata.normalize("NFC", without_unseen(text)))
