"""Card numbers: first digits, length and check digit are right, and it looks or is called like one.

Groups as on a card may stand anywhere. Digits in one run, in other groups or on two lines are as
likely an order's id: they are a card's only where a word says so.
"""

import re
from collections.abc import Iterator

from bus.redaction.spans import Secret

_GAP = r"(?:[ ._+-]|%20)"
_START = re.compile(
    r"[2-6]\d{3}(?:(?<![\w.]....)|(?<=\\[nrt]....)|(?<=%[23][0-9A-Fa-f]....))(?<![0-9a-fA-F]-....)"
    r"(?=\d|[ \t\n._+-]|%20)"
)
_END = r"(?!\w|[.-]\d)"
_GROUPED = (
    re.compile(rf"\d{{4}}(?:{_GAP}\d{{4}}){{3}}{_END}"),
    re.compile(rf"\d{{4}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}{_END}"),
)
_CALLED = (
    re.compile(rf"(?:(?:{_GAP}|\t|[ \t]{{0,8}}\n[ \t]{{0,20}})?\d){{16}}{_END}"),
    re.compile(rf"(?:{_GAP}?\d){{12,19}}{_END}"),
)
_ISSUERS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14}"
)
_WORD = re.compile(
    r"(?<!secret:)(?<!dis)(?<!wild)card(?!inal)|credit|debit|payment(?!-?service)|visa|maestro|amex"
    r"|american express|discover card|diners|\bjcb\b|charge (?:for|invoked)|cvv|cvc|\bpan\b|\bcc\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"(?:(?<![A-Za-z])(?i:ids?|order|trace|span|seq|sequence|offset|time|timestamp|ts|epoch|count|total"
    r"|bytes|size|user|account|session|request|tracking|invoice|sku|item)|[a-z](?:Ids?|ID|Time|Count))"
    r"[\"'\\]*[ \t]{0,3}[:=#]?[ \t]{0,3}[\"'\\#]*$"
)
"""What says right before a number that it is another."""
_UNIT = re.compile(r"[ \t](?:[nuµm]?s|secs?|seconds|ticks|[kKMGT]?i?B|bytes?)(?!\w)")
_BEFORE, _BEHIND = 200, 60


_TRACK = re.compile(
    r"%B(?P<all>\d{12,19}\^[^\n^]{2,26}\^[\w ]{4,60}\??(?:;\d{12,19}=\w{0,30}\??)?)", re.ASCII
)


def find(text: str) -> Iterator[Secret]:
    """Every card number, and a card's track; a number of 16 digits that is none is a number."""
    done = 0
    for track in _TRACK.finditer(text) if "%B" in text else ():
        yield Secret("card", (track.span("all"),))
    for begin in _START.finditer(text):
        at = begin.start()
        found = _number(text, at) if at >= done else None
        if found:
            done = found.end()
            lines = re.finditer(r"\S(?:[^\n]*\S)?", found[0])
            yield Secret("card", tuple((at + line.start(), at + line.end()) for line in lines))


def _number(text: str, at: int) -> "re.Match[str] | None":
    for pattern in (*_GROUPED, *_CALLED):
        found = pattern.match(text, at)
        digits = re.sub(r"%20|\D", "", found[0]) if found else ""
        if _ISSUERS.fullmatch(digits) and _checks(digits):
            return found if pattern in _GROUPED or _called(text, found) else None
    return None


def _called(text: str, found: "re.Match[str] | None") -> bool:
    """Whether the line says that a card's number stands there."""
    if not found:
        return False
    start, end = found.span()
    before = text[max(0, start - _BEFORE) : start].rsplit("\n", 1)[-1]
    behind = text[end : end + _BEHIND].split("\n", 1)[0]
    if _UNIT.match(behind) or _OTHER.search(before[-40:]):
        return False
    return bool(_WORD.search(before) or _WORD.search(behind))


def _checks(digits: str) -> bool:
    """Luhn: every second digit from the right is doubled."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0
