"""Alertmanager's door and the one for logs: a token opens them, and what came is written once."""

import asyncio
import base64
import gzip
import json
import os
import signal

import pytest
from pydantic import SecretStr

from bus.errors import NotConfigured
from bus.events import NoticeRequested as Notice
from bus.settings import load
from bus.streams import INCIDENTS, NOTICES
from bus.testing import dead_letters, entries, events
from cli.inside.store import Store
from cli.inside.unlinked import unlinked
from services.ingest.settings import Settings
from simulator.redis_server import RedisServer
from tests.ingest.http.conftest import ALERTS, ALERTS_TOKEN, LOGS, LOGS_TOKEN, Open

JSON = {"Content-Type": "application/json"}
BEARER = JSON | {"Authorization": f"Bearer {ALERTS_TOKEN}"}
ACCESS = JSON | {"X-Amz-Firehose-Access-Key": LOGS_TOKEN, "X-Amz-Firehose-Request-Id": "r-1"}


def alerts(*names: str) -> bytes:
    rows = [
        {
            "status": "firing",
            "labels": {"alertname": name, "service": "cartservice", "severity": "critical"},
            "annotations": {"summary": "5xx"},
            "startsAt": "2026-03-09T02:14:07Z",
        }
        for name in names
    ]
    said = {"version": "4", "status": "firing", "receiver": "nightshift", "alerts": rows}
    return json.dumps(said | {"externalURL": "http://alertmanager.test"}).encode()


def batch(*lines: str) -> bytes:
    events = [
        {"id": str(n), "timestamp": 1_772_000_000_000, "message": m} for n, m in enumerate(lines)
    ]
    said = {
        "messageType": "DATA_MESSAGE",
        "owner": "210987654321",
        "logGroup": "/shop/cartservice",
        "logStream": "cartservice-1",
        "subscriptionFilters": ["errors"],
        "logEvents": events,
    }
    return gzip.compress(json.dumps(said).encode(), mtime=0)


def delivery(*records: bytes, request_id: str = "r-1") -> bytes:
    rows = [{"data": base64.b64encode(record).decode()} for record in records]
    return json.dumps({"requestId": request_id, "timestamp": 1, "records": rows}).encode()


WRONG = [
    JSON,
    JSON | {"Authorization": ALERTS_TOKEN},
    JSON | {"Authorization": f"Basic {ALERTS_TOKEN}"},
    JSON | {"Authorization": f"Bearer {ALERTS_TOKEN}x"},
    JSON | {"Authorization": "Bearer "},
    JSON | {"Authorization": f"Bearer {LOGS_TOKEN}"},
    JSON | {"X-Amz-Firehose-Access-Key": ALERTS_TOKEN},
]


async def test_without_the_token_nothing_is_read(
    open_doors: Open, caplog: pytest.LogCaptureFixture
) -> None:
    doors = await open_doors()

    for headers in WRONG:
        got = await doors.post(ALERTS, alerts("HighErrorRate"), headers)
        logs = await doors.post(LOGS, delivery(batch("ERROR no cart")), headers)
        assert (got.status, logs.status) == (401, 401)
        assert got.headers["WWW-Authenticate"] == "Bearer"

    assert await entries(doors.bus, INCIDENTS) == []
    assert ALERTS_TOKEN not in caplog.text
    assert LOGS_TOKEN not in caplog.text


async def test_each_alert_and_each_batch_of_logs_opens_its_incident_once(open_doors: Open) -> None:
    """What is broken is set aside alone: Alertmanager gives up on a group that is answered 400."""
    new = "alerts-" + "c" * 20
    doors = await open_doors(alertmanager_token=SecretStr(f"{ALERTS_TOKEN}, {new}"))
    posts = [
        (ALERTS, alerts("HighErrorRate", "NoCarts"), BEARER),
        (ALERTS, alerts("HighErrorRate", "NoCarts"), JSON | {"Authorization": f"bearer {new}"}),
        (LOGS, delivery(batch("ERROR cannot reach redis"), b"\x1f\x8bbroken"), ACCESS),
        (
            LOGS,
            gzip.compress(delivery(batch("ERROR cannot reach redis")), mtime=0),
            ACCESS | {"Content-Encoding": "gzip"},
        ),
        (ALERTS, alerts("NoCarts", "Slow").replace(b"firing", b"pending", 2), BEARER),
    ]

    got = await asyncio.gather(*(doors.post(*each) for each in posts))

    assert [each.status for each in got] == [200] * 5
    assert got[0].said == {"outcome": "taken", "alerts": 2}
    assert got[2].said["requestId"] == "r-1"
    assert got[2].said["timestamp"] > 1_700_000_000_000
    reason = "an alert of the group is neither firing nor resolved (1 of 2)"
    assert got[4].said == {"outcome": "taken", "alerts": 1, "refused": [reason]}
    assert len(await entries(doors.bus, INCIDENTS)) == 4
    letters = {letter.reason: letter for letter in await dead_letters(doors.bus, INCIDENTS)}
    assert '"NoCarts"' in letters.pop(reason).fields["body"]
    (letter,) = letters.values()
    assert "packed bytes" in letter.fields["body"]


async def test_a_known_sender_of_something_unreadable_is_told_and_a_person_too(
    open_doors: Open,
) -> None:
    doors = await open_doors()

    got = [await doors.post(ALERTS, b'{"version": "3"}', BEARER) for _ in range(2)]
    logs = await doors.post(LOGS, b'{"requestId": "r-1"}', ACCESS)

    group = alerts("NoCarts", "Slow").replace(b"firing", b"pending", 2)
    part = await doors.post(ALERTS, group, BEARER)

    assert [each.status for each in got] == [400, 400]
    assert part.status == 200
    assert len(await dead_letters(doors.bus, INCIDENTS)) == 2
    shown = await unlinked(Store(doors.bus.redis, doors.bus.keys))
    assert [(each.outcome, each.reason) for each in shown.last] == [
        ("rejected", "an alert of the group is neither firing nor resolved (1 of 2)"),
        ("rejected", "not Alertmanager's webhook payload: its `version` is not 4"),
    ]
    assert (logs.status, logs.said["requestId"]) == (400, "r-1")
    assert "records" in logs.said["errorMessage"]


async def test_a_sender_of_much_that_is_unreadable_fills_neither_stream(open_doors: Open) -> None:
    """Two hundred bodies of version 1 were two hundred dead letters and as many notices."""
    doors = await open_doors()
    old = [json.dumps({"version": "1", "groupKey": str(number)}).encode() for number in range(30)]

    got = [await doors.post(ALERTS, body, BEARER) for body in [*old, *old[:5]]]

    assert {each.status for each in got} == {400}
    assert len(await dead_letters(doors.bus, INCIDENTS)) == 20
    said = [event.text for event in await events(doors.bus, NOTICES) if isinstance(event, Notice)]
    assert len(said) == 2
    assert "`version` is not 4" in said[0]
    assert "more than 20 within an hour" in said[1]


async def test_a_person_is_told_once_of_what_a_known_sender_sends_too_much_at_once(
    open_doors: Open,
) -> None:
    """Alertmanager gives up on a group that is answered 413, and only a line of the log said so."""
    doors = await open_doors()
    much = b"x" * 5 * 1024 * 1024
    packed = gzip.compress(b" " * 17 * 1024 * 1024, 1)
    gzipped = ACCESS | {"Content-Encoding": "gzip"}

    stranger = await doors.post(ALERTS, much, JSON)
    before = await events(doors.bus, NOTICES)
    got = [(await doors.post(ALERTS, much, BEARER)).status for _ in range(2)]
    logs = await doors.post(LOGS, packed, gzipped)

    assert (stranger.status, before) == (401, [])
    assert (got, logs.status) == ([413, 413], 413)
    said = [event.text for event in await events(doors.bus, NOTICES) if isinstance(event, Notice)]
    assert len(said) == 2
    assert "longer than 4194304 bytes: send smaller groups (`max_alerts`" in said[0]
    assert said[1].startswith("What came to the log door was refused")


@pytest.mark.timeout(40)
async def test_while_redis_hangs_the_answer_is_soon_503_and_nothing_is_written_twice(
    open_doors: Open, own_redis: RedisServer
) -> None:
    """It came after 38 s, when every sender had given up."""
    url = SecretStr(own_redis.url)
    doors = await open_doors(redis_url=url, http_handling_seconds=0.3, catch_up=False)
    group = alerts("HighErrorRate", "NoCarts", "SlowCarts")
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(5):
            hung = await asyncio.gather(*(doors.post(ALERTS, group, BEARER) for _ in range(3)))
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    taken = await doors.post(ALERTS, group, BEARER)

    assert [(got.status, got.headers["Retry-After"]) for got in hung] == [(503, "1")] * 3
    assert taken.status == 200
    assert len(await entries(doors.bus, INCIDENTS)) == 3


@pytest.mark.timeout(40)
async def test_while_redis_is_away_the_sender_is_told_to_come_again_and_nothing_is_lost(
    open_doors: Open, own_redis: RedisServer
) -> None:
    doors = await open_doors(redis_url=SecretStr(own_redis.url))
    own_redis.kill()

    refused = await doors.post(ALERTS, alerts("HighErrorRate", "NoCarts"), BEARER)
    own_redis.start()
    taken = await doors.post(ALERTS, alerts("HighErrorRate", "NoCarts"), BEARER)

    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert taken.status == 200
    assert len(await entries(doors.bus, INCIDENTS)) == 2


async def test_doors_without_a_setting_are_closed(open_doors: Open) -> None:
    empty = SecretStr("")
    doors = await open_doors(sns_topics="", alertmanager_token=empty, logs_token=empty)

    for path in ("/triggers/sns", ALERTS, LOGS):
        assert (await doors.post(path, b"{}", BEARER)).status == 404


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NIGHTSHIFT_ALERTMANAGER_TOKEN", "short", "at least 16 characters"),
        ("NIGHTSHIFT_LOGS_TOKEN", "a token with spaces", "printable ASCII"),
        ("NIGHTSHIFT_SNS_TOPICS", "arn:aws:sqs:eu-west-1:1:q", "no ARN of an SNS topic"),
    ],
)
def test_a_setting_that_opens_too_much_is_refused(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_QUEUE_URL", "https://sqs.eu-west-2.amazonaws.com/2109/alarms")
    monkeypatch.setenv(name, value)

    with pytest.raises(NotConfigured, match=said):
        load(Settings)
