"""Passwords in addresses: `scheme://user:password@host`, Oracle's and Go's, ADO.NET's settings."""

import re
from collections.abc import Iterator

from bus.redaction.lines import head_of, line_end, looks_cut
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
_GO = re.compile(r"(?<![\w.@:/-])[\w.-]{1,64}:(?P<value>[^\s\"'`]{1,128}?)@(?:tcp|unix)\(")
_PGPASS = re.compile(
    r"(?<![\w.:/*-])[\w.*-]{1,255}:(?:5432|6432|\*):[\w*-]{1,64}:[\w*-]{1,64}:(?P<value>\S{3,200})(?!\S)"
)
_ENCODED = re.compile(
    r"%3A%2F%2F[^%\s]{0,128}%3A(?P<value>(?:[^%\s\"'&]|%(?!40|2F|3F|23)[0-9A-F]{2}){1,256})%40(?=\w)",
    re.IGNORECASE,
)
_CUT = re.compile(
    r"://[^\s:/?#@\"'<>\\\[]{0,128}:(?!\d{1,5}(?:\n|\Z))(?P<value>[^\s\"'<>/@\[\]]{3,256})(?:\n|\Z)"
)
_REST = re.compile(r"[^\s\"'<>/@]{1,256}(?=@[\w\[%.-])")
_LATE = (
    *(("%2F%2F", _ENCODED), ("%2f%2f", _ENCODED)),
    *(("thin:", _ORACLE), ("@tcp(", _GO), ("@unix(", _GO)),
    *((":5432:", _PGPASS), (":6432:", _PGPASS), (":*:", _PGPASS)),
)
_SETTINGS = re.compile(
    r";\s?(?:[Pp]assword|PASSWORD|[Pp]wd|PWD)\s?=\s?(?P<value>[^;\"'\\\n]{3,256})"
)
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
        else:
            yield from _cut(text, at)
        at = text.find("://", found.end() if found else at + 3)
    for mark, pattern in _LATE:
        yield from _matches(text, pattern) if mark in text else ()


def _cut(text: str, at: int) -> Iterator[Secret]:
    """A password that the end of the line or of the text cuts, with its rest on the next line."""
    cut = _CUT.match(text, at)
    if not cut:
        return
    near, end = max(0, at - 2000), cut.end()
    below = text[end : line_end(text, end, within=1000)]
    head = head_of(below, text[max(near, text.rfind("\n", near, at) + 1) : end - 1])
    rest = _REST.match(below, head)
    if rest:
        yield Secret("url", (cut.span("value"), (end + rest.start(), end + rest.end())))
    elif end == len(text) and looks_cut(cut["value"]) and not TAG.search(cut["value"]):
        yield secret("url", cut.span("value"))


def in_settings(text: str) -> Iterator[Secret]:
    """Every password among the settings of ADO.NET: `Server=host;Password=...`."""
    return _matches(text, _SETTINGS)


def _matches(text: str, pattern: "re.Pattern[str]") -> Iterator[Secret]:
    for found in pattern.finditer(text):
        if not _NO_VALUE.fullmatch(found["value"]) and not TAG.fullmatch(found["value"]):
            yield secret("url", found.span("value"))
