"""Alarms in a wrapping of somebody's own: read where it is a known one, else set aside."""

import base64
import gzip
import json

import pytest

from bus.cleaning import clean
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.reading import read
from services.ingest.trigger import Ignored, Raised, Unreadable
from tests.ingest.bodies import alerts, arn, event, flat_alarm, log_lines, notification, packed


def coded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def kinesis(text: str) -> str:
    return json.dumps({"Records": [{"kinesis": {"data": coded(text)}, "awsRegion": "x"}]})


ALARM = flat_alarm(AlarmDescription="Fehler im Wägelchen")
WRAPPED = {
    "base64": coded(ALARM),
    "base64 for addresses": coded(ALARM).translate(str.maketrans("+/", "-_")).rstrip("="),
    "base64 in lines": "\n".join(coded(event())[at : at + 76] for at in range(0, 4000, 76)),
    "base64 of what SNS sends": coded(notification(ALARM)),
    "base64 in what SNS sends": notification(coded(ALARM)),
    "base64 of UTF-16": coded(ALARM.encode("utf-16")),
    "base64 of UTF-16 without its mark": coded(ALARM.encode("utf-16-le")),
    "base64 of gzip": coded(gzip.compress(ALARM.encode(), mtime=0)),
    "a string of JSON": json.dumps(ALARM),
    "a string of a string": json.dumps(json.dumps(event())),
    "a string in what SNS sends": notification(json.dumps(ALARM)),
    "UTF-16 read as Latin 1": ALARM.encode("utf-16").decode("latin-1"),
    "UTF-16 read as UTF-8": flat_alarm().encode("utf-16").decode("utf-8", "replace"),
    "UTF-16, its other order": flat_alarm().encode("utf-16-be").decode(),
    "a record of Kinesis": kinesis(ALARM),
    "a proxy's request": json.dumps({"httpMethod": "POST", "body": ALARM}),
    "a proxy's request in base64": json.dumps({"isBase64Encoded": True, "body": coded(ALARM)}),
    "a message without its envelope": json.dumps({"Subject": "ALARM", "Message": ALARM}),
    "a message for each protocol": json.dumps({"default": ALARM, "email": "hello"}),
    "a workflow's input": json.dumps({"input": json.loads(event()), "taskToken": "x"}),
    "a pipe's record": json.dumps([{"messageId": "1", "body": notification(ALARM)}]),
    "a pipe's record of Kinesis": json.dumps({"eventSource": "aws:kinesis", "data": coded(ALARM)}),
    "records of Firehose": json.dumps({"records": [{"recordId": "1", "data": coded(ALARM)}]}),
}


@pytest.mark.parametrize("body", WRAPPED.values(), ids=WRAPPED.keys())
def test_an_alarm_in_a_known_wrapping_is_read(body: str) -> None:
    """It was ignored and deleted from the queue, and a line of the log was all that told of it."""
    (found,) = read(body, clean=clean)

    assert isinstance(found, Raised)
    assert found.alarm.name == "cartservice-error"


def test_a_log_batch_that_comes_by_two_ways_is_one_change_of_one_problem() -> None:
    """A record of Kinesis names its region, an event of Lambda none: two incidents were opened."""
    batch = packed(log_lines("ERROR lost"))
    by_lambda: dict[str, object] = {"awslogs": {"data": batch}}
    by_kinesis = {"Records": [{"kinesis": {"data": batch}, "awsRegion": "eu-west-2"}]}
    found = [read(json.dumps(body), clean=clean)[0] for body in (by_lambda, by_kinesis)]
    raised = [each for each in found if isinstance(each, Raised)]
    one, other = (incident_of(each, service_of(each.alarm)) for each in raised)

    assert one.incident_id == other.incident_id
    assert one.fingerprint == other.fingerprint
    assert raised[1].alarm.description.endswith("region eu-west-2")


BATCH = log_lines("ERROR lost")
LOGS: dict[str, object] = {"awslogs": {"data": packed(BATCH)}}
CARRIED: dict[str, object] = {
    "logs in a pipe's record of Kinesis": {"eventSource": "aws:kinesis", "data": packed(BATCH)},
    "logs in pipe's records": [{"eventSource": "aws:kinesis", "data": packed(BATCH)}],
    "logs in a record of Kinesis, unpacked": {"Records": [{"kinesis": {"data": coded(BATCH)}}]},
    "logs in a pipe's record of a queue": {"eventSource": "aws:sqs", "body": json.dumps(LOGS)},
    "logs in records of Firehose": {"records": [{"data": packed(BATCH)}], "region": "eu-west-2"},
    "logs in a proxy's request": {"httpMethod": "POST", "body": json.dumps(LOGS)},
    "alerts in a proxy's request": {"httpMethod": "POST", "body": alerts()},
    "alerts in a proxy's request in base64": {"isBase64Encoded": True, "body": coded(alerts())},
    "alerts in a pipe's record of Kinesis": {"eventSource": "aws:kinesis", "data": coded(alerts())},
}


@pytest.mark.parametrize("body", CARRIED.values(), ids=CARRIED.keys())
def test_logs_and_alerts_in_a_known_wrapping_are_read(body: object) -> None:
    """They were ignored, and deleted from the queue without a dead letter."""
    for written in (json.dumps(body), notification(json.dumps(body))):
        (found,) = read(written, clean=clean)

        assert isinstance(found, Raised)


def test_what_a_pipe_carries_packed_and_is_no_log_batch_is_set_aside() -> None:
    (found,) = read(json.dumps({"eventSource": "aws:kinesis", "data": packed("[1]")}), clean=clean)

    assert isinstance(found, Unreadable)


def test_a_log_batch_in_base64_is_read_too() -> None:
    (found,) = read(coded(gzip.compress(log_lines("ERROR lost").encode())), clean=clean)

    assert isinstance(found, Raised)
    assert found.kind == "logs"


LIKE_AN_ALARM = {
    "transformed": json.dumps({"alarm": "cart-errors", "state": "ALARM", "why": "5 errors"}),
    "transformed, a recovery": json.dumps({"alarm": "cart-errors", "newState": "OK"}),
    "transformed, with other names": json.dumps({"title": "cart-errors", "now": "ALARM"}),
    "transformed to a link": json.dumps({"text": "look at it", "about": [arn("cart-errors")]}),
    "a sentence": '"cart-errors is in ALARM since 02:14"',
    "a mail": 'Your Amazon CloudWatch Alarm "cart" has entered the ALARM state, because ...',
    "a subject": 'ALARM: "cart-errors" in EU (Frankfurt)',
    "in a field of its own": json.dumps({"hook": {"told": flat_alarm()}}),
    "cut off": coded(flat_alarm())[:200],
    "a broken string": json.dumps(flat_alarm())[:-9],
}


@pytest.mark.parametrize("body", LIKE_AN_ALARM.values(), ids=LIKE_AN_ALARM.keys())
def test_what_looks_like_an_alarm_and_cannot_be_read_is_set_aside(body: str) -> None:
    (found,) = read(body, clean=clean)

    assert isinstance(found, Unreadable)
    assert found.reason


FOREIGN = {
    "a word in base64": coded("good morning, everybody"),
    "JSON in base64": coded('{"order": 4711, "state": "OK"}'),
    "what might be base64": "eyewitness+reports/of/the+storm",
    "a token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "a string": '"hello, the alarm clock is set"',
    "quoted twice": '"hello" and "goodbye"',
    "a state of something else": json.dumps({"order": 1, "state": "OK"}),
    "a widget": json.dumps({"widgetContext": {"params": {"state": "ALARM"}}}),
    "a proxy's request": json.dumps({"httpMethod": "POST", "body": "hello"}),
    "a record of Kinesis": kinesis("hello"),
    "a pipe's record": json.dumps({"eventSource": "aws:kinesis", "data": coded('{"order": 4711}')}),
    "records of something": json.dumps({"records": [{"data": "hello"}, 7, {"data": 7}]}),
    "an alarm's configuration": event(kind="CloudWatch Alarm Configuration Change"),
    "a note": "[shop] maintenance tonight: no alarm in this state of affairs",
}


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_no_alarm_is_ignored_as_before(body: str) -> None:
    (found,) = read(body, clean=clean)

    assert isinstance(found, Ignored)
