"""What in a line is trouble, and what of it varies: severities of every style, and masks.

Both are linear in the length of the line. Trouble is meant broadly: a line too many costs a few
tokens, a line too few may cost the diagnosis.
"""

import re
from typing import Literal

from services.toolrunner.condense_codes import (
    PART,
    ZERO,
    hidden,
    is_request,
    may_tell,
    says_error,
    says_lack,
    told,
)

Trouble = Literal[0, 1, 2, 3]
"""0: none that can be seen; 1: a warning, or words that often go with a fault; 2: an error; 3: one
that ends something, such as a panic."""
BLANK = "<*>"
_LONG = 10_000

_UNIT = r"(?:ns|[uµμ]s|ms|millis\w{0,10}|s|secs?|seconds?|m|min|minutes?)\b"
_SHARES = r"[\w.:/+-]*"
_TELLING = "".join(
    f"(?<!{name}{sign})"
    for name in ("tatus", "ode", "evel", "everity", "xit", "xited with", "eturned", "rc", "ignal")
    for sign in ('":', '": ', "=", ": ", ":", " ")
)
_MASK = re.compile(
    rf"(?<![\w-])(?:(?=[^\W\d]|-)[\w-]*?\d{_SHARES}"
    rf"|(?=\d)(?!{PART}|{ZERO}){_TELLING}(?<!\d\" )\d{_SHARES})"
)
_MASK_OF_TROUBLE = re.compile(
    rf"(?<![\w-])(?!{PART}|\d{{1,3}}(?:[^\w.:/+-]|[.:](?:\s|$)|$))[\w-]*?\d{_SHARES}"
    rf"|(?<![\w.:/+-])\d{{1,3}}(?= {_UNIT})"
)
_LEVEL_FIELD = (
    r"(?:\"?(?:level|severity|lvl|loglevel|levelname|severity_?text|log\.level|@l|status|type)\"?"
    r"\s*[:=]\s*\"?)"
)
_ERROR = re.compile(
    rf"^[EF]\d{{4}}\s|{_LEVEL_FIELD}(?:[ef]\"|ftl|eror|[56]0\b)|[\[(|<]\s*(?:e|f|ftl)\s*[\])|>]"
    r"|\bhttp/\d(?:\.\d)?\"\s+5\d\d\b|\b(?:status|status_?code)\W{1,4}5\d\d\b"
    r"|\b(?:exit|exited|return|rc)(?:[ _]?(?:code|status|with))*\W{1,3}(?!0\b)\d+|\bsignal:? \d+",
    re.IGNORECASE,
)
_FATAL = re.compile(rf"^F\d{{4}}\s|{_LEVEL_FIELD}60\b", re.IGNORECASE)
_WARNING = re.compile(
    rf"^W\d{{4}}\s|{_LEVEL_FIELD}(?:w\"|40\b)|[\[(|<]\s*w\s*[\])|>]", re.IGNORECASE
)
_NO_ERROR = re.compile(
    r"(?:err(?:or)?s?|fail(?:ed|ures?)?|unavailable(?:_?replicas)?)\"?\s*[:=]\s*(?:null|none|nil|false|0|\"\"|''|-|\[\]|<nil>)(?![\w.])"
    r"|\b(?:0|no|without) (?:errors?|failures?)\b"
)
_WORD = re.compile(r"[a-z]+")


def _each(words: str, sep: str = " ") -> tuple[str, ...]:
    return tuple(words.split(sep))


_ERROR_STEMS = _each(
    "err fatal panic crash fail exception crit severe emerg abort segfault segmentation "
    "sigsegv sigkill sigabrt sigbus oom killed corrupt traceback unhandled uncaught deadlock "
    "nullpointer ftl"
)
_FATAL_STEMS = _each(
    "fatal panic critical crit emerg segfault segmentation sigsegv sigkill sigabrt sigbus oom "
    "killed ftl"
)
_WARNING_STEMS = _each(
    "warn wrn alert denied deny refus reject unreachable unavailable timeout timedout unable "
    "cannot couldn undefined invalid forbidden unauth exhaust exceed evict throttl backoff "
    "violat overflow leak unhealthy missing lost broken mismatch unexpected unknown stuck "
    "expired insufficient degraded problem wrong illegal conflict rollback terminat preempt "
    "unschedulable pressure notready stale duplicate slow retry retries deprecat misconfig "
    "drop interrupt disconnect shutdown"
)
_WARNING_PHRASES = _each(
    "not found, no such, timed out, could not, can't, no space, reset by peer, too many, "
    "not ready, non-zero, out of memory, not available, isn't, wasn't, does not, "
    "not allowed, not permitted, back-off",
    sep=", ",
)
_MESSAGE = re.compile(r"\"(?:message|msg|log|error|@m|event)\"\s*:")
_DURATION = re.compile(
    rf"(?<![\w.])(\d+(?:\.\d+)?) ?({_UNIT})"
    rf"|(?:took|elapsed|duration|latency|_ms|_seconds|millis)\w{{0,20}}\"?\s*[:= ]\s*\"?"
    rf"(\d+(?:\.\d+)?)(?![\d.]| ?{_UNIT})"
)
_SECONDS = {"n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "mi": 60.0, "ms": 1e-3, "m": 60.0}


def masked(line: str) -> str:
    """The line with numbers, ids and times left blank; status, level and exit codes stay."""
    if may_tell(line) and (known := hidden(line)) != line:
        return told(_MASK.sub(BLANK, known))
    return _MASK.sub(BLANK, line)


def masked_trouble(line: str) -> str:
    """The same for a line of trouble, whose small numbers are kept: 137 is another error than 1."""
    return masked(line) if is_request(line) else _MASK_OF_TROUBLE.sub(BLANK, line)


def blanks(line: str) -> list[str]:
    """What `masked_trouble` leaves blank, in order: the values by which like lines differ."""
    mask = _MASK if is_request(line) else _MASK_OF_TROUBLE
    return [found[0] for found in mask.finditer(line)]


def trouble(text: str) -> Trouble:
    """How much the text, of one line or a few, speaks of something gone wrong.

    In a very long one words are looked for everywhere, levels and codes at its start and its end.
    """
    low = text.lower()
    if "err" in low or "fail" in low or "unavailable" in low:
        low = _NO_ERROR.sub("", low)
    if len(text) > _LONG:
        text = f"{text[: _LONG // 2]}\n{text[-_LONG // 2 :]}"
    words = {word[0] for word in _WORD.finditer(low)} if len(low) > _LONG else _WORD.findall(low)
    if (
        any(word.startswith(_ERROR_STEMS) for word in words)
        or _ERROR.search(text)
        or says_error(text)
    ):
        fatal = any(word.startswith(_FATAL_STEMS) for word in words) or _FATAL.search(text)
        return 3 if fatal else 2
    if any(word.endswith(("exception", "error")) for word in words):
        return 2
    if any(word.startswith(_WARNING_STEMS) for word in words) or _WARNING.search(text):
        return 1
    return 1 if any(phrase in low for phrase in _WARNING_PHRASES) or says_lack(text) else 0


def duration(line: str) -> float | None:
    """The first duration that the line tells, in seconds or in the unit that all like it have."""
    found = _DURATION.search(line)
    if not found:
        return None
    if not found[1]:
        return float(found[3])
    unit = found[2]
    if unit.startswith("mil"):
        unit = "ms"
    return float(found[1]) * _SECONDS.get(unit[:2], _SECONDS.get(unit[:1], 1.0))


def worth_reading(line: str, width: int) -> int:
    """Where the message of a JSON line begins, if not within the first third of the width."""
    found = _MESSAGE.search(line)
    return found.start() if found and found.start() > width // 3 else 0


def trouble_at(line: str) -> int:
    """Where in a long line the first word of an error stands; 0 where none does."""
    found = next(
        (word.start() for word in _WORD.finditer(line.lower()) if word[0].startswith(_ERROR_STEMS)),
        0,
    )
    return found
