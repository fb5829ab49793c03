"""Finds keys of a published format, whole, cut short, or reaching over the end of a line."""

import re
from collections.abc import Iterator

from bus.redaction.formats import MARKED, PREFIXED, Format
from bus.redaction.spans import Secret, secret

_OPEN = frozenset(("jwt", "openai", "slack", "teams", "terraform", "google", "discord"))
_LEFT = 32
_KEY_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_BY_PREFIX = {prefix: known for known in PREFIXED for prefix in known.prefixes}
_RANK = {prefix: number for number, prefix in enumerate(_BY_PREFIX)}
_BESIDE = re.compile(r"(?<![A-Za-z0-9/+=_-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])")
_WEBHOOK = re.compile(r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/]{8,}+")
ANCHORS = frozenset(prefix for known in PREFIXED for prefix in known.prefixes) | frozenset(
    mark for _, marks, _ in MARKED for mark in marks if len(mark) > 2
)
_SOLID = re.compile("[A-Za-z0-9]+")
_HEADS = {anchor: found[0] for anchor in ANCHORS if (found := _SOLID.match(anchor))}
_SEARCHED = [anchor for anchor in ANCHORS if _HEADS.get(anchor) in (None, anchor)]
_HEADED = [(anchor, head) for anchor, head in _HEADS.items() if head != anchor]


def present(text: str) -> frozenset[str]:
    """The first letters and marks that stand in the text; where one may begin, a word begins."""
    words = set(_SOLID.findall(text))
    escaped = {word[1:] for word in words if word[0] in "nrt"} if "\\" in text else set()
    if "%" in text or "\\u" in text:
        escaped |= {word[2:] for word in words} | {word[5:] for word in words}
    words |= escaped
    headed = (anchor for anchor, head in _HEADED if head in words and anchor in text)
    return frozenset(headed) | frozenset(anchor for anchor in _SEARCHED if anchor in text)


def reaches(token: str, anchor: str) -> bool:
    """Whether a key with those first letters may go on where a token ends."""
    known = _BY_PREFIX.get(anchor)
    at = token.find(anchor) if known else -1
    while known and at >= 0:
        rest = token[at + len(anchor) :]
        word = len(anchor) <= 3 and rest.isalpha() and (anchor + rest).islower()
        if _begins(token, at) and not word and known.begun.fullmatch(rest):
            return True
        at = token.find(anchor, at + 1)
    return not known and anchor in token


def find(text: str, among: frozenset[str] | None = None) -> Iterator[Secret]:
    """Every key that stands in full; `among`: what is `present`, where that is known already."""
    there = present(text) if among is None else among
    for prefix in sorted(_BY_PREFIX.keys() & there, key=_RANK.__getitem__):
        known = _BY_PREFIX[prefix]
        yield from _after(text, prefix, known=known, pattern=known.whole)
    for kind, marks, pattern in MARKED:
        if not there.isdisjoint(marks) or (len(marks[0]) <= 2 and marks[0] in text):
            yield from _marked(text, kind, pattern=pattern)


def _marked(text: str, kind: str, *, pattern: "re.Pattern[str]") -> Iterator[Secret]:
    for found in pattern.finditer(text):
        start, end = found.span()
        if found[0][0] in ".-":  # the pattern begins at an inner mark, the key before it
            head = text[max(0, start - _LEFT) : start]
            start -= len(head) - len(head.rstrip(_KEY_LETTERS))
        yield secret(kind, (start, end), open_end=kind in _OPEN)
        if kind == "aws":
            yield from _beside(text, found.end())


def cut_short(text: str, among: frozenset[str]) -> Iterator[Secret]:
    """Keys of which only the beginning stands there."""
    for known in PREFIXED:
        for prefix in known.prefixes:
            if prefix in among and len(prefix) > 3 and not prefix.isalpha():
                yield from _after(text, prefix, known=known, pattern=known.cut)
    for found in _WEBHOOK.finditer(text) if "hooks.slack.com/" in among else ():
        yield secret("slack", found.span())


def _after(
    text: str, prefix: str, *, known: Format, pattern: "re.Pattern[str]"
) -> Iterator[Secret]:
    at = text.find(prefix)
    while at >= 0:
        found = pattern.match(text, at) if _begins(text, at) else None
        if found:
            yield secret(known.kind, found.span(), open_end=True)
        at = text.find(prefix, found.end() if found else at + 1)


def _begins(text: str, at: int) -> bool:
    """Whether a word may begin there: after anything but a letter, or after an escape."""
    if at == 0 or not text[at - 1].isalnum():
        return True
    before = text[max(0, at - 6) : at]
    return before[-2:] in ("\\n", "\\r", "\\t") or before[-3:-2] == "%" or before[:2] == "\\u"


def _beside(text: str, end: int) -> Iterator[Secret]:
    """The secret half of an AWS key: 40 letters close behind its id."""
    for found in _BESIDE.finditer(text, end, min(len(text), end + 200)):
        if not re.fullmatch("[0-9a-f]+|[A-Za-z/]+", found[0]):
            yield secret("aws", found.span())
            return
