"""Layers around a trigger: SNS notifications, Lambda and Kinesis records, lists, JSON as text.

Pure. What is inside is told by structure alone, because the same queue may receive raw deliveries,
SNS subscriptions and EventBridge targets side by side. A broken part takes no other with it.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bus.errors import Rejected
from services.ingest.decoding import decoded
from services.ingest.likeness import LIKE_AN_ALARM, is_said_like_an_alarm, mentions_trigger
from services.ingest.trigger import Ignored, Unreadable

MAX_LAYERS = 6
TOO_DEEP = "the body is nested too deeply to be read"
MAX_PARTS = 500
"""Parts of one body that are looked at; a queue's body holds ten records at most."""
LONGEST_REMEMBERED, MOST_REMEMBERED = 500, 20_000
"""Characters of a text, and texts, that are remembered for as long as one body is read."""
CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")

_STARTS_AS_JSON = re.compile(r"\{|\[\s*[\[\]{\"\d-]")
"""A text may begin with a word in brackets."""

_INNERMOST = frozenset(
    ("AlarmName", "NewStateValue", "alarmName", "alarmData", "detail-type", "awslogs", "logEvents")
)
"""Fields of what is read itself, whatever its other fields hold."""
_CARRIERS = ("body", "Message", "default", "detail", "event", "input", "data", "payload")
"""Fields in which an alarm is carried by proxies, pipes, workflows and bare SNS messages."""

Document = Mapping[str, object]


@dataclass(frozen=True)
class Unwrapped:
    """An innermost document, the SNS topic it came through and the region of its record, if any."""

    document: Document
    topic_arn: str = ""
    region: str = ""


Leaf = Unwrapped | Ignored | Unreadable


def unwrap(message: object) -> list[Leaf]:
    """The innermost documents of a message, in their order; at least one. Never raises."""
    found: list[Leaf] = []
    _unwrap(message, Unwrapped({}), found=found, layers=0)
    if len(found) > MAX_PARTS:
        return [*found[:MAX_PARTS], Unreadable(f"the body holds more than {MAX_PARTS} parts")]
    return found


def only_one(message: object) -> Unwrapped | Ignored:
    """The innermost document of a message that holds one. Raises Rejected where it is broken."""
    found = unwrap(message)[0]
    if isinstance(found, Unreadable):
        raise Rejected(found.reason)
    return found


def cleaned(value: object, clean: Callable[[str], str]) -> object:
    """The same JSON with every text in it cleaned, names included; lone surrogates are replaced.

    Raises Rejected where it is nested too deeply.
    """
    try:
        return _cleaned(value, clean)
    except RecursionError:
        raise Rejected(TOO_DEEP) from None


def cleaned_text(text: str, clean: Callable[[str], str]) -> str:
    """The text cleaned, whatever stands in it."""
    return clean(text.encode("utf-8", "replace").decode("utf-8"))


def remembering(clean: Callable[[str], str]) -> Callable[[str], str]:
    """The same, which cleans a short text only once: names and labels of a group are much alike."""
    known: dict[str, str] = {}

    def remembered(text: str) -> str:
        found = known.get(text)
        if found is None:
            found = clean(text)
            if len(text) <= LONGEST_REMEMBERED and len(known) < MOST_REMEMBERED:
                known[text] = found
        return found

    return remembered


def _cleaned(value: object, clean: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return cleaned_text(value, clean)
    if isinstance(value, dict):
        return {
            cleaned_text(str(name), clean): _cleaned(each, clean) for name, each in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(inner, clean) for inner in value]
    return value


def _unwrap(message: object, around: Unwrapped, *, found: list[Leaf], layers: int) -> None:
    if len(found) > MAX_PARTS:
        return
    try:
        inner = _parsed(message) if isinstance(message, str) else message
        held = [(inner, around)] if _is_text_in_text(message, inner) else _held(inner, around)
    except Rejected as error:
        found.append(Unreadable(str(error)))
        return
    if isinstance(held, Leaf):
        found.append(held)
    elif layers == MAX_LAYERS:
        found.append(Unreadable(f"the message is wrapped more than {MAX_LAYERS} times"))
    else:
        for part, outer in held:
            _unwrap(part, outer, found=found, layers=layers + 1)


def _held(inner: object, around: Unwrapped) -> Leaf | list[tuple[object, Unwrapped]]:
    """What stands inside of one layer, or that there is no further one. Raises Rejected."""
    if isinstance(inner, list) and any(isinstance(part, dict | str) for part in inner):
        return [(part, around) for part in inner]
    if isinstance(inner, str) and is_said_like_an_alarm(inner):
        return Unreadable(f"plain text, but {LIKE_AN_ALARM}")
    if not isinstance(inner, dict):
        return Ignored("not an alarm: plain text or a bare value")
    return _of_layer(inner, around) or Unwrapped(inner, around.topic_arn, around.region)


def _of_layer(inner: Document, around: Unwrapped) -> Leaf | list[tuple[object, Unwrapped]]:
    """The same for an object; an empty list where it is the innermost one."""
    if inner.get("Type") in CONFIRMATIONS:
        return Ignored(f"SNS {inner['Type']}: a person confirms it, nothing is investigated")
    if "TopicArn" in inner and "Message" in inner:
        topic = str(inner["TopicArn"])
        return [(inner["Message"], Unwrapped({}, topic, around.region))]
    records = inner.get("Records")
    if isinstance(records, list):
        return [_inside_record(record, around) for record in records]
    if delivered := _delivered(inner):
        return [({"kinesis": record}, _with_region(inner, around)) for record in delivered]
    # What Lambda could not handle goes to its destination with the event inside.
    failed = inner.get("requestPayload")
    if isinstance(failed, dict):
        return [(failed, around)]
    return [(inside, _with_region(inner, around)) for inside in _carried(inner)]


def _delivered(inner: Document) -> Sequence[object]:
    """Records in base64: one of Kinesis, as Pipes hands it on flat, or those of Data Firehose."""
    if inner.get("eventSource") == "aws:kinesis" and isinstance(inner.get("data"), str):
        return [inner]
    records = inner.get("records")
    if not isinstance(records, list):
        return []
    return [
        each for each in records if isinstance(each, dict) and isinstance(each.get("data"), str)
    ]


def _carried(inner: Document) -> Sequence[object]:
    """An alarm in a field of what is none itself: a proxy's request, a bare message."""
    if _INNERMOST & inner.keys():
        return []
    if inner.get("isBase64Encoded") is True and isinstance(inner.get("body"), str):
        return [inner["body"]]
    kinesis = inner.get("kinesis")
    if isinstance(kinesis, dict) and isinstance(packed := kinesis.get("data"), str):
        inside = _parsed(packed)
        return [inside] if isinstance(inside, dict) and mentions_trigger(inside) else []
    held = (inner.get(name) for name in _CARRIERS)
    return [each for each in held if isinstance(each, str | dict) and _carries(each)][:1]


def _carries(held: str | Document) -> bool:
    return mentions_trigger(decoded(held) if isinstance(held, str) else held)


def _inside_record(record: object, around: Unwrapped) -> tuple[object, Unwrapped]:
    if not isinstance(record, dict):
        return record, around
    names = (name for name in ("body", "Sns") if name in record)
    inside = next((record[name] for name in names), record)
    return inside, _with_region(record, around)


def _with_region(record: Document, around: Unwrapped) -> Unwrapped:
    region = str(record.get("awsRegion", "")) or around.region
    return Unwrapped({}, around.topic_arn, region)


def _parsed(text: str) -> object:
    """JSON where the text starts as JSON, else the text as it is."""
    start = decoded(text).lstrip("\ufeff \t\r\n")
    if start.startswith('"') and start.rstrip().endswith('"'):
        return _of_literal(start, text)
    if not _STARTS_AS_JSON.match(start):
        return text
    try:
        return json.loads(start)
    except ValueError as error:
        raise Rejected(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise Rejected(TOO_DEEP) from None


def _of_literal(start: str, text: str) -> object:
    """What stands in a string of JSON; the text as it is where that is no such string."""
    try:
        return json.loads(start)
    except (ValueError, RecursionError):
        return text


def _is_text_in_text(message: object, inner: object) -> bool:
    return isinstance(message, str) and isinstance(inner, str) and inner != message
