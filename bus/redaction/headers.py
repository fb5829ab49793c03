"""What HTTP carries to show who is asking: Authorization, bearers, cookies, signatures."""

import base64
import binascii
import re
from collections.abc import Iterator

from bus.redaction.spans import Secret, secret
from bus.redaction.tags import TAG

_AUTHORIZATION = re.compile(
    r"authorization\\*[\"']?\s{0,3}(?:[:=]|=>|%3a|,)\s{0,3}(?:[({]|\[(?!secret:))?\s?\\*[\"']?"
    r"(?P<scheme>[a-z][\w-]{1,20}(?:[\"'],\s?[\"']|(?:\s|%20|\+)+))?(?P<value>[^\s\"',;\\<>]{6,8192})",
    re.IGNORECASE,
)
_BEARER = re.compile(
    r"bearer(?:\s{1,3}|%20|\\{0,8}[\"']?\s?[:=]\s?)\\{0,8}[\"']?(?P<value>[\w.+/~=|-]{12,8192})",
    re.IGNORECASE,
)
_BASIC = re.compile(r"basic(?:\s{1,3}|%20)(?P<value>[A-Za-z0-9+/_-]{6,1024}={0,2})", re.IGNORECASE)
_COOKIES = re.compile(
    r"(?:set-)?cookies?\\*[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}(?:[({]|\[(?!secret:))?\s?\\*[\"']?"
    r"(?P<pairs>[\w.%$-]{1,80}=[^\r\n\"'\\]{1,8192})",
    re.IGNORECASE,
)
_PAIR = re.compile(r"(?P<name>[\w.%$-]{1,80})=(?P<value>[^;\s,]{1,4096})")
_SCHEMES = frozenset(("bearer", "basic", "token", "apikey", "digest", "negotiate", "ntlm"))
_ATTRIBUTES = frozenset(("path", "domain", "expires", "max-age", "samesite", "priority", "version"))
_SIGNATURE = re.compile(
    r"(?<![^?&;,\s])(?P<name>signature=|sig=|x-amz-signature=)(?P<value>[\w%+/=-]{20,512})",
    re.IGNORECASE,
)
_DIGEST = re.compile(r"(?P<name>\bresponse=\"?)(?P<value>[0-9a-f]{32})\b")


def find(text: str, low: str) -> Iterator[Secret]:
    """Every credential of a request that is marked as one."""
    yield from _authorized(text, low)
    for found in _matches(_COOKIES, "cookie", text=text, low=low):
        yield from _cookies(text, found.span("pairs"))
    for mark, pattern in (("sig", _SIGNATURE), ("digest", _DIGEST)):
        for found in pattern.finditer(text) if mark in low else ():
            yield secret("signature", found.span("value"))


def _authorized(text: str, low: str) -> Iterator[Secret]:
    for found in _matches(_AUTHORIZATION, "authorization", text=text, low=low):
        known = (found["scheme"] or "").strip(" \t\"',+").lower() in _SCHEMES
        if _looks_secret(found["value"], least=6 if known else 12):
            yield secret("authorization", found.span("value"), open_end=True)
    for found in _matches(_BEARER, "bearer", text=text, low=low):
        if _looks_secret(found["value"], least=12):
            yield secret("bearer", found.span("value"), open_end=True)
    for found in _matches(_BASIC, "basic", text=text, low=low):
        if _is_pair(found["value"]):
            yield secret("basic", found.span("value"), open_end=True)


def _matches(
    pattern: "re.Pattern[str]", word: str, *, text: str, low: str
) -> Iterator["re.Match[str]"]:
    at = low.find(word)
    while at >= 0:
        found = pattern.match(text, at)
        if found and not TAG.match(found[found.lastindex or 0]):
            yield found
        at = low.find(word, found.end() if found else at + len(word))


def _looks_secret(value: str, *, least: int) -> bool:
    cases = re.search("[a-z]", value) and re.search("[A-Z]", value)
    mixed = bool(cases or re.search("[0-9]|=$", value))
    return len(value) >= least and mixed and not value.startswith(("${", "$(", "{{", "%("))


def _is_pair(value: str) -> bool:
    """Whether it is base64 of `user:password`."""
    try:
        plain = base64.b64decode(
            value + "=" * (-len(value) % 4), altchars=b"-_" if "-" in value else None
        )
    except (binascii.Error, ValueError):
        return False
    return b":" in plain and plain.isascii() and plain.decode().isprintable()


def _cookies(text: str, pairs: tuple[int, int]) -> Iterator[Secret]:
    for found in _PAIR.finditer(text, *pairs):
        value = found["value"]
        plain = len(value) < 6 or value.isalpha() or TAG.fullmatch(value)
        if found["name"].lower() not in _ATTRIBUTES and not plain:
            yield secret("cookie", found.span("value"))
