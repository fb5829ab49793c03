"""Passwords in addresses: `scheme://user:password@host`, and Oracle's `thin:user/password@`."""

import re
from collections.abc import Iterator

from bus.redaction.spans import Secret, secret
from bus.redaction.tags import TAG

_PASSWORD = re.compile(
    r"://[^\s:/?#@\"'<>\\]{0,128}:(?!\d{1,5}[/?#])(?P<value>[^\s\"'<>/]{1,256})@(?=[\w\[%.-])"
    r"|://[^\s:/?#@\"'<>\\]{0,128}:(?!\d{1,5}[/?#])(?P<other>[^\s\"'<>@]{1,256})@(?=[\w\[%.-])"
)
_KEY_ALONE = re.compile(
    r"://(?P<value>[0-9a-f]{32}|[\w.~%-]{20,256})(?::x-oauth-basic)?@(?=[\w.-]+)"
)
_ORACLE = re.compile(r"thin:[^\s/:@]{1,64}/(?P<value>[^\s/@]{1,128})@")
_NO_VALUE = re.compile(r"\$\{[^}]*\}|\$[A-Z_]+|\{\{.*\}\}|\{\w*\}|<[^>]*>|\*+|%s|x{3,}|X{3,}")


def find(text: str) -> Iterator[Secret]:
    """Every password in an address; user, host, port and path stay."""
    at = text.find("://")
    while at >= 0:
        found = _PASSWORD.match(text, at) or _KEY_ALONE.match(text, at)
        if found:
            place = "value" if found["value"] else "other"
            if not _NO_VALUE.fullmatch(found[place]) and not TAG.fullmatch(found[place]):
                yield secret("url", found.span(place))
        at = text.find("://", found.end() if found else at + 3)
    if "thin:" in text:
        for found in _ORACLE.finditer(text):
            if not TAG.fullmatch(found["value"]):
                yield secret("url", found.span("value"))
