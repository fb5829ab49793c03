"""Quotes, checked byte for byte: where one stands in the whole that it names, or why it does not.

What may be quoted: whole lines, blanks around a single one left out or not, or at least 16
characters of one line, at most 500 in all. Of whole lines the blanks around each, and the number
of a line in a window of a file, may be missing: what stands there is then the quote. Headers,
templates, counts and sentences of ours are no evidence: they do not stand in the whole, or are
refused. Text is compared as it is stored: normalized to NFC and with secrets as tags. What only
looks alike is another text.
"""

import difflib
import re
from collections.abc import Iterator
from functools import partial

from services.reasoner.sources import IN_WINDOW, Source, window_of

LEAST_QUOTED = 16
MOST_QUOTED = 500
_NUMBER = re.compile(r"^\s*\d+\| ?")
_WORD = re.compile(r"\w+")
_STAMP = re.compile(r"[\dTZ:.,+-]*\d[:-]\d[\dTZ:.,+-]*|\b\d+(?:T\d*Z?|Z)\b")
"""A date, a time of day, both, or a part of them."""
_LABELS = re.compile(
    r"(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|gmt|utc|"
    r"date|time|timestamp|ts|level|lvl|severity|log|msg|message|trace|debug|info|notice|warn|"
    r"warning|error|err|fatal|critical|panic)\Z",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]+")
LEAST_WORD, LEAST_LETTERS = 3, 8
"""Of two words one has so many characters at least, and a single word so many letters."""
_BLANKS = " \t\r"
_OURS = "that is a header of ours and shows nothing: quote a line of the file"
_WORDS, _PLACES, _COMPARED = 12, 40, 20
_BEFORE = 100


def first_line(quote: str, whole: str) -> int | None:
    """Where a quote stands, counted from 1; None when it does not, or says too little."""
    said = quote.strip()
    if not said or len(quote) > MOST_QUOTED or quote not in whole:
        return None
    at = f"\n{whole}\n".find(f"\n{quote}\n")
    if at < 0 and "\n" not in quote and len(said) >= LEAST_QUOTED:
        at = whole.find(quote)
    if at >= 0:
        return whole.count("\n", 0, at) + 1
    if "\n" in quote:
        return None
    lines = enumerate(whole.split("\n"), start=1)
    return next((at for at, line in lines if quote in line and line.strip() == said), None)


def standing(quote: str, source: Source) -> tuple[int, str] | None:
    """Where a quote stands and the text that stands there; None when it does not."""
    said, head = quote.strip("\r\n"), _head(source)
    text = source.whole.removeprefix(f"{head}\n")
    at = first_line(said, text)
    found = (at, said) if at else _whole_lines(said, text, numbered=bool(window_of(source.whole)))
    return (found[0] + bool(head), found[1]) if found else None


def shows_something(quote: str) -> bool:
    """Whether a quote says more than a bracket, a time, figures or one common word.

    The names of times and levels of a log are such words, and so are any number of them.
    """
    said = _WORD.findall(_STAMP.sub(" ", quote))
    words = [word for word in said if len(word) > 1 or word.isdecimal()]
    telling = [word for word in words if _LETTERS.search(word) and not _LABELS.match(word)]
    if telling and len(words) > 1:
        return max(map(len, telling)) >= LEAST_WORD
    return any(len(letters) >= LEAST_LETTERS for letters in _LETTERS.findall(" ".join(telling)))


def _head(source: Source) -> str:
    """The first line of a file's window, which is a header of our own server, else nothing."""
    return source.whole.partition("\n")[0] if window_of(source.whole) else ""


def _whole_lines(quote: str, whole: str, *, numbered: bool) -> tuple[int, str] | None:
    """Whole lines that differ from the quote in blanks around them, or in a window's numbers."""
    said = [line.strip(_BLANKS) for line in quote.split("\n")]
    if not said[0] or len(quote) > MOST_QUOTED or any(line not in whole for line in said):
        return None
    lines = whole.split("\n")
    for at in range(len(lines) - len(said) + 1):
        there = lines[at : at + len(said)] if said[0] in lines[at] else []
        if there and all(map(partial(_same, numbered=numbered), said, there)):
            real = "\n".join(there)
            return (at + 1, real) if len(real) <= MOST_QUOTED else None
    return None


def _same(said: str, line: str, *, numbered: bool) -> bool:
    text = IN_WINDOW.match(line) if numbered else None
    return said in (line.strip(_BLANKS), text[2].strip(_BLANKS) if text else None)


def why_not(quote: str, source: Source | None) -> str:
    """What is wrong with a quote that stands nowhere, with the line that is most like it."""
    if source is None:
        return "there is no such result; name the id in its marker, such as 2-1 or trigger:<name>"
    if not source.whole:
        return "that result has no lines of its own (an error, or a page: name the paged result)"
    if quote.strip() and quote.split("\n")[0].strip() in _head(source):
        return _OURS
    if len(quote) > MOST_QUOTED:
        return f"the quote has {len(quote)} characters, more than {MOST_QUOTED}"
    if "\n" not in quote and quote in source.whole:
        return f"the quote is too short: whole lines, or at least {LEAST_QUOTED} characters of one"
    hint = "leave out the line number; " if _NUMBER.match(quote) else ""
    return f"not found byte for byte; {hint}{_nearest(quote, source.whole)}"


def _nearest(quote: str, whole: str) -> str:
    """The line of the whole that is most like the quote, numbered as it was shown.

    Only lines that hold one of its longest words are looked at, and of each word the first few, so
    that a whole of megabytes costs milliseconds.
    """
    sought = max((_NUMBER.sub("", line) for line in quote.split("\n")), key=len)[:MOST_QUOTED]
    words = set(_WORD.findall(sought))
    longest = sorted(words, key=lambda word: (-len(word), word))[:_WORDS]
    parts = dict(part for word in longest for part in _parts(word, whole))
    likely = sorted(parts, key=lambda at: -len(words.intersection(_WORD.findall(parts[at]))))
    if not likely:
        return "no line is like it"
    at = max(
        likely[:_COMPARED],
        key=lambda at: difflib.SequenceMatcher(None, sought, parts[at]).ratio(),
    )
    return f"the nearest line is\n{whole.count(chr(10), 0, at) + 1}| {parts[at]}"


def _parts(word: str, whole: str) -> Iterator[tuple[int, str]]:
    """The first lines that hold the word, each with where it starts; of a long one a part."""
    at = 0
    for _ in range(_PLACES):
        at = whole.find(word, at)
        if at < 0:
            return
        start, end = whole.rfind("\n", 0, at) + 1, whole.find("\n", at)
        end = end if end >= 0 else len(whole)
        cut = max(start, min(at - _BEFORE, end - MOST_QUOTED))
        yield start, whole[cut : min(end, cut + MOST_QUOTED)]
        at = end
