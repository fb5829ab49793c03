"""How bad a problem is, in the words in which people write it. Pure.

A critical problem passes every limit, so a loose word must not make one of it: what is stated
(`Severity: warning`) wins, then the name's first word for a grade, then the description's.
"""

import re
from collections.abc import Mapping

from bus.events import Alarm, Severity, TriggerKind

_GRADES: Mapping[Severity, str] = {
    "critical": (
        r"crit(?:ical)?|fatal|page|emergency|emerg|disaster|urgent|blocker|highest|sev-?[01]|p[01]"
    ),
    "error": r"err(?:or)?|high|major|severe|alert|sev-?2|p2",
    "warning": r"warn(?:ing)?|medium|minor|moderate|ticket|sev-?3|p3",
    "info": r"info(?:rmation(?:al)?)?|notice|low|lowest|trivial|debug|none|sev-?[45]|p[45]",
}
"""What may stand where a grade is asked for."""
_OF_THINGS = (
    r"[\s-]{1,3}(?:paths?|sections?|thresholds?|levels?|limits?|values?|services?|systems?|"
    r"components?|workloads?|jobs?|infrastructure|infra|resources?|apps?|applications?|"
    r"above|below|over|under|beyond|at\s\d|is\s\d|if|when|once)\b|\s{0,2}[=:]\s{0,2}\d"
)
"""What is called critical without being it now."""
_WORDS: Mapping[Severity, str] = {
    "critical": rf"critical(?!{_OF_THINGS})|crit|fatal|sev[\s-]?1|p1",
    "error": r"sev[\s-]?2|p2",
    "warning": r"warning|warn|sev[\s-]?3|p3|minor",
    "info": r"informational",
}
"""What tells a grade within a name or a sentence."""
_WORD = re.compile(
    r"\b(?:" + "|".join(f"(?P<{grade}>{words})" for grade, words in _WORDS.items()) + r")\b",
    re.IGNORECASE,
)
_STATED = re.compile(
    r"\b(?:severity|sev|priority)(?:\slevel)?[\"'`*]{0,2}(?:\s{0,2}[:=]|\sis\b)\s{0,2}[\"'`*\[(]{0,2}"
    r"(?P<word>[a-z]+-?\d?|\d)\b",
    re.IGNORECASE,
)
_STATED_BEFORE = re.compile(
    r"\b(?P<word>critical|high|major|medium|moderate|minor|low)[\s-](?:severity|priority)\b",
    re.IGNORECASE,
)
_INFO = re.compile(r"^\W{0,3}info\s?[:\])-]|[\s-]info$", re.IGNORECASE)
"""As a label only: `info` is a part of many names, and of "for more info"."""
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:non|not|no|never|isn't|without|becomes?|before|until|unless|turns?)[\s-]{1,3}"
    rf"(?:(?:a|an|any|so|very|yet|it|is|gets|turns|becomes|longer|business)[\s-]){{0,3}}"
    rf"(?:{_WORDS['critical']})\b"
    r"|\b(?:mission|business|time|safety|life)[\s-]critical\b|\bwarning\s(?:is|at|=)\s\d"
    rf"|\b(?:if|when|once|in\scase|should|may|might|could|would|can)\b[^.;!?\n]{{0,200}}?"
    rf"\b(?:{_WORDS['critical']})\b",
    re.IGNORECASE,
)
"""What says that it is not critical, or not yet."""


def severity_of(alarm: Alarm) -> Severity:
    """What the alarm's author wrote about it, else an error."""
    name, description = _plain(alarm.name), _plain(alarm.description)
    told = (_stated(description), _stated(name), _written(name), _written(description))
    return next((grade for grade in told if grade), "error")


def is_only_said(alarm: Alarm, kind: TriggerKind) -> bool:
    """Whether it is critical by loose words alone, or by text that others than its team fill in.

    A name and a description of CloudWatch are its team's own; Alertmanager fills annotations, and
    the name of an alert that has none, with what its series say.
    """
    if severity_of(alarm) != "critical":
        return False
    is_filled = kind == "alertmanager"
    own = alarm.labels.get("alertname", "") if is_filled else alarm.name
    named, described = _plain(own), _plain("" if is_filled else alarm.description)
    return "critical" not in (_stated(described), _stated(named), _written(named))


def grade_of(word: str) -> Severity | None:
    """The grade that one word of a field means; nothing where it is not known."""
    known = (grade for grade, words in _GRADES.items() if re.fullmatch(words, word.lower()))
    return next(known, None)


def _plain(text: str) -> str:
    """The text without addresses; dots and underscores part words as spaces do."""
    return re.sub(r"[_.]", " ", _ADDRESS.sub(" ", text))


def _stated(text: str) -> Severity | None:
    words = (found["word"] for each in (_STATED, _STATED_BEFORE) for found in each.finditer(text))
    grades = (grade_of(f"p{word}" if word.isdigit() else word) for word in words)
    return next((grade for grade in grades if grade), None)


def _written(text: str) -> Severity | None:
    if _INFO.search(text):
        return "info"
    found = _WORD.search(_DENIED.sub(" ", text))
    return next((grade for grade in _WORDS if found[grade]), None) if found else None
