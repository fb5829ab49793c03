"""The control address: alarms are fired and what the stand-ins were told is read."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from simulator.control import build_control
from simulator.faults import Faults
from simulator.otlp import Span, SpanStore
from simulator.request_log import RequestLog
from simulator.serving import served
from simulator.slack import SlackStandIn
from simulator.slack.store import Message, Version

CHANNEL = "C0INCIDENTS"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class AlarmQueue:
    """A queue in memory: what was put into it, in order."""

    bodies: list[str] = field(default_factory=list)

    def fire_alarm(self, form: str = "sns") -> str:
        self.bodies.append(form)
        return f"message {len(self.bodies)}"

    def recover_alarm(self, form: str = "sns") -> str:
        self.bodies.append(f"ok by {form}")
        return f"message {len(self.bodies)}"

    def publish_alarm_body(self, body: str) -> str:
        self.bodies.append(body)
        return f"message {len(self.bodies)}"


@pytest.fixture
def queue() -> AlarmQueue:
    return AlarmQueue()


@pytest.fixture
def slack() -> SlackStandIn:
    stand_in = SlackStandIn({CHANNEL: "incidents"})
    stand_in.messages.append(Message(CHANNEL, "1.000001", [Version("1.000001", "hello")]))
    return stand_in


@pytest.fixture
async def session(
    tmp_path: Path, queue: AlarmQueue, slack: SlackStandIn
) -> AsyncIterator[aiohttp.ClientSession]:
    log = RequestLog(tmp_path / "requests.jsonl")
    log.record("github", "GET /repos", status=200)
    log.record("slack", "POST /api/auth.test", status=200)
    spans = SpanStore()
    spans.add([Span(TRACE, "1" * 16, "", "investigation", "internal", "notifier", 0, 1)])
    app = build_control(log, alarms=queue, slack=slack, spans=spans, faults=Faults())
    async with served(app) as address, aiohttp.ClientSession(address) as session:
        yield session


@pytest.mark.parametrize(
    ("asked", "form"),
    [({}, "sns"), ({"form": "sns"}, "sns"), ({"form": "eventbridge"}, "eventbridge")],
)
async def test_fired_alarm_lies_in_the_queue_in_the_asked_form(
    session: aiohttp.ClientSession, queue: AlarmQueue, asked: dict[str, str], form: str
) -> None:
    async with session.post("/_simulator/fire-alarm", json=asked) as answer:
        assert await answer.json() == {"done": "message 1"}
    assert queue.bodies == [form]


@pytest.mark.parametrize("asked", [b'{"form": "pigeon"}', b"not json", b"[]"])
async def test_unknown_form_is_refused_and_fires_nothing(
    session: aiohttp.ClientSession, queue: AlarmQueue, asked: bytes
) -> None:
    async with session.post("/_simulator/fire-alarm", data=asked) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"] == "form is one of sns, eventbridge"
    assert queue.bodies == []


async def test_raw_body_and_recovery_reach_the_queue(
    session: aiohttp.ClientSession, queue: AlarmQueue
) -> None:
    async with session.post("/_simulator/alarm-body", data='{"Type": "Notification"}') as answer:
        assert answer.status == 200
    async with session.post("/_simulator/recover-alarm") as answer:
        assert answer.status == 200
    assert queue.bodies == ['{"Type": "Notification"}', "ok by sns"]


async def test_requests_can_be_read_of_one_stand_in_or_of_all(
    session: aiohttp.ClientSession,
) -> None:
    async with session.get("/_simulator/requests") as answer:
        of_all = (await answer.json())["requests"]
    async with session.get("/_simulator/requests", params={"stand_in": "github"}) as answer:
        of_one = (await answer.json())["requests"]
    assert [line["stand_in"] for line in of_all] == ["github", "slack"]
    assert [line["request"] for line in of_one] == ["GET /repos"]


async def test_messages_and_traces_can_be_read(session: aiohttp.ClientSession) -> None:
    async with session.get("/_simulator/messages") as answer:
        (message,) = (await answer.json())["messages"]
    async with session.get(f"/_simulator/traces/{TRACE}") as answer:
        (span,) = (await answer.json())["spans"]
    assert message["versions"][0]["text"] == "hello"
    assert span["service"] == "notifier"


@pytest.mark.parametrize(("first", "texts"), [(0, ["hello"]), (1, ["again"]), (2, [])])
async def test_messages_can_be_read_a_page_at_a_time(
    session: aiohttp.ClientSession, slack: SlackStandIn, first: int, texts: list[str]
) -> None:
    slack.messages.append(Message(CHANNEL, "1.000002", [Version("1.000002", "again")]))
    page = {"first": str(first), "count": "1"}
    async with session.get("/_simulator/messages", params=page) as answer:
        messages = (await answer.json())["messages"]
    assert [message["text"] for message in messages] == texts


async def test_faults_are_planned_one_or_many_shown_and_cleared(
    session: aiohttp.ClientSession,
) -> None:
    one = {"stand_in": "model", "fault": "slow", "seconds": 1}
    async with session.post("/_simulator/faults", json=one) as answer:
        (first,) = (await answer.json())["planned"]
    async with session.post("/_simulator/faults", json=[one, one | {"fault": "hang"}]) as answer:
        assert len((await answer.json())["planned"]) == 2
    async with session.delete(f"/_simulator/faults/{first}") as answer:
        assert (answer.status, await answer.json()) == (200, {"cleared": 1})
    async with session.delete(f"/_simulator/faults/{first}") as answer:
        assert answer.status == 404
    async with session.get("/_simulator/faults") as answer:
        shown = await answer.json()
    assert [fault["fault"] for fault in shown["faults"]] == ["slow", "hang"]
    assert "hang" in shown["known"]["slack"]
    async with session.delete("/_simulator/faults") as answer:
        assert await answer.json() == {"cleared": 2}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"stand_in": "pager", "fault": "slow"}, "no stand-in 'pager': there is aws"),
        ({"stand_in": "model", "fault": "melted"}, "model knows no fault 'melted': there is"),
        ({"stand_in": "model", "fault": "slow", "seconds": "long"}, "seconds: Input should be"),
        ("{", "Expecting"),
    ],
)
async def test_a_fault_that_does_not_exist_is_refused_with_what_does(
    session: aiohttp.ClientSession, asked: object, words: str
) -> None:
    sent = {"data": asked} if isinstance(asked, str) else {"json": asked}
    async with session.post("/_simulator/faults", **sent) as answer:
        assert answer.status == 400
        assert words in (await answer.json())["error"]
