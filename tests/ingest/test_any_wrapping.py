"""Whatever wraps a trigger, reading it ends in an action or a rejection, and ends nothing else.

One record whose gzip was cut off ended the process that received it, and the next one, and each
time the nine messages beside it lost a delivery; so did half a character in a region.
"""

import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.cleaning import clean
from bus.errors import Rejected
from bus.events import Alarm, TriggerKind
from bus.streams import INCIDENTS
from bus.testing import dead_letters
from services.ingest.adapters.reading_room import ReadingRoom
from services.ingest.fingerprint import DEFAULT, Identity, content_hash, series_of
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.posting import Posted
from services.ingest.reading import read
from services.ingest.refusal import refusal_of
from services.ingest.stable_object import object_of
from services.ingest.token_doors import AlertmanagerDoor
from services.ingest.trigger import Found, Ignored, Raised, Unreadable
from tests.conftest import MakeBus
from tests.ingest.bodies import alert, alerts, event, flat_alarm, log_lines
from tests.ingest.shift import Shift
from tests.ingest.test_any_body import places, with_value

HALF = "\ud800"
ODD: list[object] = [
    *(None, True, -1, 1e308, 10**30, "", HALF, "\x00\u202e", "{", "[1", '"a', "H4sI", "A" * 3000),
    *([], [[]], [None], {}, {"": HALF}, {HALF: {}}, f"arn:aws:sns:{HALF}:1:x", "ALARM"),
]
BODIES = [
    flat_alarm(AlarmArn=None),
    event(),
    alerts(),
    log_lines("ERROR lost", '{"level": "error"}'),
]


def coded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), 1)).decode()


TOPIC = "arn:aws:sns:eu-west-2:1:t"
Wrap = Callable[[str], dict[str, object]]
WRAPS: list[Wrap] = [
    lambda text: {"Type": "Notification", "TopicArn": TOPIC, "Message": text, "MessageId": "x"},
    lambda text: {"Records": [{"body": text, "awsRegion": "eu-west-2", "eventSource": "aws:sqs"}]},
    lambda text: {
        "Records": [{"EventSource": "aws:sns", "Sns": {"TopicArn": TOPIC, "Message": text}}]
    },
    lambda text: {"Records": [{"kinesis": {"data": packed(text)}, "awsRegion": "eu-west-2"}]},
    lambda text: {"Records": [{"kinesis": {"data": coded(text)}, "awsRegion": "eu-west-2"}]},
    lambda text: {"eventSource": "aws:kinesis", "data": packed(text), "awsRegion": "eu-west-2"},
    lambda text: {"awslogs": {"data": packed(text)}},
    lambda text: {"requestPayload": {"TopicArn": TOPIC, "Message": text}},
    lambda text: {"body": coded(text), "isBase64Encoded": True},
    lambda text: {"httpMethod": "POST", "body": text},
    lambda text: {"records": [{"recordId": "1", "data": packed(text)}], "region": "eu-west-2"},
]


@st.composite
def wrapped(draw: st.DrawFn) -> str:
    """A trigger in one to three wrappings, in each of which anything may stand in any field."""
    body = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(1, 3))):
        document = json.loads(body)
        if draw(st.booleans()) and isinstance(document, dict):
            path = draw(st.sampled_from(places(document)))
            document = with_value(document, path, draw(st.sampled_from(ODD)))
        body = json.dumps(draw(st.sampled_from(WRAPS))(json.dumps(document)))
    document = json.loads(body)
    path = draw(st.sampled_from(places(document)))
    return json.dumps(
        with_value(document, path, draw(st.sampled_from(ODD))) if draw(st.booleans()) else document
    )


def take_all(body: str) -> None:
    """What ingest does with a body, but for writing."""
    for found in read(body, clean=clean):
        if isinstance(found, Unreadable):
            refusal_of(body, found.reason, stream="x", at=datetime.now(UTC))[0].model_dump_json()
        elif isinstance(found, Ignored):
            found.reason.encode()
        else:
            take(found)


def take(found: Found) -> None:
    assert not isinstance(found, Ignored)
    service = service_of(found.alarm)
    try:
        if isinstance(found, Raised):
            incident_of(found, service).model_dump_json().encode()
        DEFAULT.fingerprint(found.alarm, service)
    except Rejected:
        found.alarm.model_dump_json().encode()
    content_hash(found.alarm, "ALARM")
    series_of(found.alarm, found.kind)
    object_of(found.alarm)


CUT = packed("ERROR " + "".join(map(str, range(900))))
CUT = CUT[: len(CUT) // 2 // 4 * 4]
KILLED: dict[str, object] = {
    "gzip that was cut off": {"Records": [{"kinesis": {"data": CUT}, "awsRegion": "x"}]},
    "JSON that was cut off": {"Records": [{"kinesis": {"data": "{"}}]},
    "half a character as a batch": {"awslogs": {"data": HALF}},
    "half a character as a region": {
        "Records": [{"awsRegion": HALF, "body": log_lines("ERROR lost")}]
    },
    "half a character in a topic": {
        "TopicArn": f"arn:aws:sns:{HALF}:1:x",
        "Message": flat_alarm(AlarmArn=None),
    },
}
DEEP = log_lines("ERROR lost")[:-1] + f', "x": {"[" * 600}{"]" * 600}}}'
KILLING = {name: json.dumps(body) for name, body in KILLED.items()} | {"a deep batch": DEEP}


@pytest.mark.parametrize("body", KILLING.values(), ids=KILLING.keys())
def test_what_ended_the_process_is_read_or_rejected(body: str) -> None:
    take_all(body)


@pytest.mark.parametrize("body", [flat_alarm(AlarmArn=None), log_lines("ERROR lost")])
def test_a_wrapping_with_anything_odd_in_any_field_is_read_or_rejected(body: str) -> None:
    for wrap in WRAPS:
        document = wrap(body)
        for path in places(document):
            for odd in ODD:
                take_all(json.dumps(with_value(document, path, odd)))


@settings(deadline=None, max_examples=100)
@given(wrapped())
def test_a_trigger_in_any_wrapping_is_read_or_rejected(body: str) -> None:
    take_all(body)


async def test_what_a_region_and_a_topic_say_is_cleaned_too(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"))
    region = "eu\x1b[2J-west\u202e-2"
    topic = f"arn:aws:sns:{region}:1:t"
    await shift.triggers.on_body(
        json.dumps({"TopicArn": topic, "Message": flat_alarm(AlarmArn=None)})
    )

    assert [each.alarm.region for each in await shift.incidents() if each.alarm] == ["eu-west-2"]


class Astray(Identity):
    """What nobody foresaw: of one alarm no fingerprint can be made."""

    def fingerprint(self, alarm: Alarm, service: str, *, kind: TriggerKind = "cloudwatch") -> str:
        if alarm.name == "odd":
            raise ZeroDivisionError("so odd")
        return super().fingerprint(alarm, service, kind=kind)


async def test_what_nobody_foresaw_is_set_aside_with_its_name_and_takes_nothing_along(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"))
    shift.triggers.identity = Astray()
    records = [{"body": flat_alarm("odd")}, {"body": flat_alarm("cart")}]

    decisions = await shift.triggers.on_body(json.dumps({"Records": records}))
    door = AlertmanagerDoor(shift.triggers, ())
    answer = await door.take(Posted({}, alerts(alert("odd"), alert("shop")).encode()))

    assert [each.outcome for each in decisions] == ["rejected", "opened"]
    assert answer.status == 200
    assert [each.alarm.name for each in await shift.incidents() if each.alarm] == ["cart", "shop"]
    letters = await dead_letters(shift.bus, INCIDENTS)
    assert len(letters) == 2
    assert all("ZeroDivisionError: so odd" in letter.reason for letter in letters)


@pytest.mark.parametrize("size", [10, 10**6])
async def test_whatever_reading_raises_is_a_reason(size: int) -> None:
    with pytest.raises(Rejected, match="ZeroDivisionError: "):
        await ReadingRoom().read(lambda _: 1 // 0, size=size)
    with pytest.raises(Rejected, match="a reason"):
        await ReadingRoom().read(lambda _: reject("a reason"), size=size)


def reject(reason: str) -> None:
    raise Rejected(reason)
