"""Whether a text speaks of something, and whether it claims it: by words, not by meaning."""

import re
from collections.abc import Iterator

SHORT = 3
"""Words up to this length stand for themselves; longer ones may go on: restart, restarted."""
_NEGATION = re.compile(
    r"\b(?:no|not|never|neither|nor|none|nothing|without|cannot|rather than|instead of|unlike"
    r"|unrelated to|absence of|free of|rul(?:ed?|es|ing) out|exclud(?:ed?|es|ing)|disproved?s?"
    r"|\w+n't)\b",
    re.IGNORECASE,
)
_NO_NEGATION = re.compile(r"\b(?:not (?:only|just|merely)|no (?:doubt|question))\b", re.IGNORECASE)
_DENIED_AFTER = re.compile(
    r"\A(?:\W+\w+){0,4}?\W+(?:not|never|(?:ruled|rules) out|excluded|disproved|unlikely|innocent"
    r"|absent|false|a red herring|\w+n't)\b",
    re.IGNORECASE,
)
_BREAK = re.compile(
    r"[.;!?](?=\s|\Z)|\n|[\u2013\u2014]|:\s"
    r"|\b(?:but|however|while|although|because|since|whereas|yet|so|instead)\b(?! of\b)",
    re.IGNORECASE,
)
_SMALL_BREAK = re.compile(r",|\band\b", re.IGNORECASE)
_VERB = re.compile(r"\b(?:is|are|was|were|has|have)\b", re.IGNORECASE)
_PLURAL = re.compile(r"(?:s|es|'s)(?![a-z0-9])", re.IGNORECASE)


def mentions(text: str, phrase: str) -> bool:
    """Whether the phrase stands in the text, ignoring case, and not as a part of another word.

    A word may go on (`restart` in "restarted"), short ones only as a plural or where a new word
    begins inside (`OOM` in "OOMKilled"); it never begins in the midst of a word.
    """
    return any(True for _ in _places(text, phrase))


def claimed(text: str, phrase: str) -> str:
    """The clause in which the text claims the phrase; empty where it does not, or denies it."""
    text = text.replace("\u2019", "'")
    for start, end in _places(text, phrase):
        clause_start, clause_end = _clause(text, start, end=end)
        before, after = text[clause_start:start], text[end:clause_end]
        if not (_denies(before, phrase) or _DENIED_AFTER.search(after.partition(",")[0])):
            return " ".join(text[clause_start:clause_end].split())
    return ""


def _places(text: str, phrase: str) -> Iterator[tuple[int, int]]:
    words = [re.escape(word) for word in phrase.split()]
    for found in re.finditer(r"[\s_-]+".join(words), text, re.IGNORECASE) if words else ():
        if _begins(text, found.start()) and _ends(text, found.end(), word=phrase.split()[-1]):
            yield found.span()


def _begins(text: str, at: int) -> bool:
    before, first = text[max(at - 2, 0) : at], text[at]
    if not before or not first.isalnum():
        return True
    if first.isdigit():
        return not before[-1].isalnum() and not re.fullmatch(r"\d[.,]", before)
    return not before[-1].isalnum() or (before[-1].islower() and first.isupper())


def _ends(text: str, at: int, *, word: str) -> bool:
    last, after = text[at - 1], text[at : at + 2]
    if not after or not last.isalnum():
        return True
    if last.isdigit():
        return not after[0].isdigit() and not re.fullmatch(r"[.,]\d", after)
    if not after[0].isalpha() or len(word) > SHORT:
        return True
    acronym = text[at - len(word) : at].isupper()
    new_word = after[0].isupper() and (last.islower() or after[1:].islower())
    return new_word or (acronym and after[0].islower()) or bool(_PLURAL.match(text, at))


def _clause(text: str, start: int, *, end: int) -> tuple[int, int]:
    starts = [found.end() for found in _BREAK.finditer(text, 0, start)]
    after = _BREAK.search(text, end)
    return max(starts, default=0), after.start() if after else len(text)


def _denies(before: str, phrase: str) -> bool:
    """Whether a negation governs what follows.

    One reaches over a list ("no sign of A, B or C"), but not into a statement with its own verb.
    """
    if _VERB.search(phrase):
        before = _SMALL_BREAK.split(before)[-1]
    return bool(_NEGATION.search(_NO_NEGATION.sub(" ", before)))
