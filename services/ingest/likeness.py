"""Whether what nobody here can read looks like an alarm all the same. Pure.

Such a body is set aside for a person instead of passed over: an input transformer, an unknown
wrapping or a mail's text may stand for an alarm that nobody would hear of.
"""

import json
import re

from services.ingest.fields import Document

LIKE_AN_ALARM = (
    "it looks like an alarm of CloudWatch, in a form that is not read here (an input transformer?):"
    " let the event be passed on as it is"
)
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
_ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:[^:\s\"]{0,40}:[^:\s\"]{0,40}:alarm:")
_NAMES = re.compile(r"\b(?:NewStateValue|NewStateReason|AlarmName|alarmName|alarmData)\b")
_SENTENCE = re.compile(
    r"^\W{0,3}ALARM: |\b(?:in|is|to|into|entered)\s(?:the\s)?[\"'`]?ALARM\b"
    r"|\bALARM\b(?=.*\b(?:[Aa]larm|state)\b)|\b(?:[Aa]larm|state)\b(?=.*\bALARM\b)",
    re.DOTALL,
)
_LOGS = re.compile(r"\"(?:awslogs|logEvents)\\*\"\s*:")
_ALERTS, _RECEIVER = re.compile(r"\"alerts\\*\"\s*:\s*\["), re.compile(r"\"receiver\\*\"\s*:")
"""Names, also where JSON stands as text within JSON."""
LONGEST_READ = 4000


def is_like_an_alarm(document: Document) -> bool:
    """Whether a document that is none of the known ones says a state, or names an alarm."""
    values = [value for value in document.values() if isinstance(value, str)]
    named = any("alarm" in name.lower() for name in document)
    if "ALARM" in values or (named and any(value in _STATES for value in values)):
        return True
    return mentions_alarm(document)


def mentions_alarm(value: object) -> bool:
    """Whether an alarm of CloudWatch stands somewhere inside, however deep."""
    try:
        written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return False
    return bool(_ARN.search(written) or len({*_NAMES.findall(written)}) > 1)


def mentions_trigger(value: str | Document) -> bool:
    """Whether an alarm, a log batch or a group of alerts stands somewhere inside, however deep."""
    if mentions_alarm(value):
        return True
    try:
        written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return False
    return bool(_LOGS.search(written) or (_ALERTS.search(written) and _RECEIVER.search(written)))


def is_said_like_an_alarm(sentence: str) -> bool:
    """Whether plain text tells of an alarm, as CloudWatch's mails and templates do."""
    return mentions_alarm(sentence) or bool(_SENTENCE.search(sentence[:LONGEST_READ]))
