"""What untrusted text goes through before it is stored or shown: strip, normalize, redact.

Stripped: ANSI sequences, C0 and C1 control characters but newline and tab, bidirectional controls,
zero-width and tag characters (security.md, T8). Normalized to NFC. Secrets become stable tags
`[secret:<kind>:<first 8 of SHA-256>]`, so that "the same value" can still be seen (T9). Addresses,
ids and hashes are evidence and stay.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import partial

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)

_SECRETS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "pem",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        ),
        ("jwt", r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"),
        ("anthropic", r"\bsk-ant-[\w-]{16,}"),
        ("github", r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,})"),
        ("slack", r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-[\w-]{10,}"),
        ("aws", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
        ("google", r"\bAIza[\w-]{35}"),
        ("stripe", r"\b[sr]k_(?:live|test)_\w{16,}"),
        ("url", r"(?<=://)[^\s/:@]*:(?!\[secret:)[^\s/@]+(?=@)"),
        ("bearer", r"(?i:(?<=bearer )|(?<=basic ))[\w.+/~-]{16,}=*"),
        (
            "named",
            r"(?<!\[secret)(?i:(?<=password)|(?<=passwd)|(?<=secret)|(?<=token)|(?<=api_key)|(?<=apikey)|(?<=pwd))"
            r"""(?P<keep>["']?\s?[=:](?:\s|\s?["'])?)(?![\s"']?\[secret:)[^\s"',;&]{6,}""",
        ),
    )
)


@dataclass(frozen=True)
class Cleaned:
    """A cleaned text and how much was taken out of it."""

    text: str
    redactions: int
    stripped: int


def clean(text: str) -> str:
    """The text without invisible characters and secrets."""
    return clean_counted(text).text


def clean_counted(text: str) -> Cleaned:
    """The cleaned text with counts. Cleaning a cleaned text changes nothing."""
    plain = _UNSEEN.sub("", _ANSI.sub("", text))
    stripped = len(text) - len(plain)
    plain = unicodedata.normalize("NFC", plain)
    redactions = 0
    for kind, pattern in _SECRETS:
        plain, count = pattern.subn(partial(_tag, kind), plain)
        redactions += count
    return Cleaned(text=plain, redactions=redactions, stripped=stripped)


def _tag(kind: str, found: "re.Match[str]") -> str:
    keep = found.groupdict().get("keep") or ""
    secret = found[0].removeprefix(keep)
    return f"{keep}[secret:{kind}:{hashlib.sha256(secret.encode()).hexdigest()[:8]}]"
