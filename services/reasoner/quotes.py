"""Quotes, checked byte for byte: where one stands in the whole that it names, or why it does not.

What may be quoted: whole lines, blanks around a single one left out or not, or at least 16
characters of one line, at most 500 in all. Only a result's own lines stand in its whole; headers,
templates, counts and sentences of ours do not, so quoting them fails here. Text is compared as it
is stored: normalized to NFC and with secrets as tags. What only looks alike is another text.
"""

import difflib
import re
from collections.abc import Iterator

from services.reasoner.sources import Source

LEAST_QUOTED = 16
MOST_QUOTED = 500
_NUMBER = re.compile(r"^\s*\d+\| ?")
_WORD = re.compile(r"\w+")
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


def why_not(quote: str, source: Source | None) -> str:
    """What is wrong with a quote that stands nowhere, with the line that is most like it."""
    if source is None:
        return "there is no such result; name the id in its marker, such as 2-1 or trigger:<name>"
    if not source.whole:
        return "that result has no lines of its own (an error, or a page: name the paged result)"
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
