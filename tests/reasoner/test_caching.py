"""The prompt cache as the simulator keeps it: what a next request reads, and why it does not."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from bus.events import ToolCallId
from bus.record import Call, Record
from services.reasoner import caching, folding, turn
from services.reasoner.adapters import files
from services.reasoner.adapters.redis_memory import RedisMemory
from services.reasoner.budget import COST_OF_TURN, Limits, TurnCost
from services.reasoner.caching import Before
from services.reasoner.folding import Fold
from services.reasoner.transcript import Message, Usage
from services.reasoner.turn import Request, Seen
from simulator.model.shapes import MessagesRequest, parse
from simulator.model.usage import PromptCache, prompt_tokens
from simulator.model.usage import Usage as Counted
from tests.bus.incidents import OPENED_AT, a_record
from tests.conftest import MakeBus
from tests.reasoner.conftest import INV, LOGS, MakeLoop, tool
from tests.reasoner.model_desk import submits

TEXTS, SUBMIT = files.texts(), files.submit_tool()
TOOLS = (*(tool(f"{LOGS}_{number}") for number in range(40)), SUBMIT)
WAS = Before(tokens=1000, cached=True, seconds=10, model="m")


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def prompt(request: Request) -> MessagesRequest:
    """The request as the desk reads it."""
    body = {"model": "claude-sonnet-5-5", "max_tokens": 8192, **request.body()}
    return parse(json.dumps(body).encode(), MessagesRequest)


def three_turns(parallel: int) -> list[Request]:
    """Requests of three turns, each of whose replies has so many calls."""
    record, transcript, requests = a_record(nonce="5" * 32), list[Message](), []
    for number in (1, 2, 3):
        record = record.changed(turn=number)
        requests.append(build(record, transcript))
        ids = [f"{number}-{k}" for k in range(parallel)]
        uses = [
            {"type": "tool_use", "id": id_, "name": TOOLS[0]["name"], "input": {}} for id_ in ids
        ]
        transcript += [requests[-1].message, {"role": "assistant", "content": uses}]
        asked = (
            Call(tool_call_id=ToolCallId(i), tool_use_id=i, tool=LOGS, state="ok") for i in ids
        )
        record = record.changed(calls=(*record.calls, *asked))
    return requests


def build(
    record: Record, transcript: list[Message], shown: Mapping[str, str] | None = None
) -> Request:
    """The request of the due turn."""
    seen = Seen(transcript=transcript, shown=shown or {}, tools=TOOLS, services="Services: none")
    return turn.build(record, seen, texts=TEXTS, limits=Limits())


@pytest.mark.parametrize("parallel", [1, 5, 9, 10, 25, 200])
def test_the_next_turn_reads_all_of_the_turn_before_however_many_calls_it_had(
    parallel: int,
) -> None:
    cache = PromptCache(Clock())
    first, second, third = map(prompt, three_turns(parallel))
    assert cache.account(first).read == 0
    assert cache.account(second).read == prompt_tokens(first)
    assert cache.account(third).read == prompt_tokens(second)


@pytest.mark.parametrize(("hour", "read"), [(True, True), (False, False)])
def test_a_second_incident_within_the_hour_reads_tools_and_system_where_they_are_held(
    hour: bool, read: bool
) -> None:
    clock = Clock()
    cache = PromptCache(clock)
    first, other = (
        replace(build(a_record(nonce=nonce), []), hour=hour) for nonce in ("5" * 32, "6" * 32)
    )
    wrote = cache.account(prompt(first))
    assert (wrote.written_1h > 0) == hour
    clock.now = 3_000.0
    again: Counted = cache.account(prompt(other))
    assert again.read == (wrote.written_1h if read else 0)
    assert again.written_1h == 0


def test_marks_are_four_the_longer_ones_first_and_the_kept_messages_have_none() -> None:
    first, *later = three_turns(25)
    assert json.dumps(first.body()).count("cache_control") == 3
    assert [json.dumps(request.body()).count("cache_control") for request in later] == [4, 4]
    assert "cache_control" not in json.dumps([later[-1].kept, later[-1].tools])


@pytest.mark.parametrize(
    ("read", "was", "model", "why"),
    [
        (1000, WAS, "m", ""),
        (990, WAS, "m", ""),
        (500, None, "m", ""),
        (0, None, "m", "first call: nothing was cached, or longer ago than it is held"),
        (0, WAS.model_copy(update={"changed": "tools changed: a before, b now"}), "m", "tools"),
        (0, WAS, "other", "another model: m before"),
        (0, WAS.model_copy(update={"cached": False}), "m", "the provider caches nothing"),
        (0, WAS.model_copy(update={"seconds": 301.0}), "m", "the turn before is older than 5 min"),
        (0, WAS.model_copy(update={"seconds": 3601.0}), "m", "the turn before is older than an h"),
        (400, WAS, "m", "unknown: 400 of 1000 tokens were there"),
    ],
)
def test_a_miss_is_explained_by_what_changed(
    read: int, was: Before | None, model: str, why: str
) -> None:
    said = caching.why_missed(Usage(cache_read_tokens=read), was, model=model)
    assert said.startswith(why)
    assert bool(said) == bool(why)


def test_the_turn_before_tells_what_of_the_prefix_changed() -> None:
    usage = Usage(input_tokens=10, cache_read_tokens=90)
    cost = TurnCost(at=OPENED_AT, model="m", stop_reason="", usage=usage, cost_usd=None)
    notes = {f"{COST_OF_TURN}1": cost.model_dump_json(), folding.PROMPT: "t1 s1"}
    record, now = a_record(turn=2, notes=notes), OPENED_AT + timedelta(seconds=7)

    def changed(prompt: str, record: Record = record) -> str:
        before = caching.before(record, prompt=prompt, messages=3, now=now)
        assert before is not None
        assert (before.tokens, before.cached, before.seconds) == (100, True, 7)
        return before.changed

    assert changed("t1 s1") == ""
    assert changed("t2 s1") == "tools changed: t1 before, t2 now"
    assert changed("t1 s2") == "system prompt changed: s1 before, s2 now"
    fold = {folding.FOLDED: Fold(messages=3).model_dump_json()}
    assert changed("t1 s1", record.changed(notes=notes | fold)) == "old results were cleared"
    assert caching.before(a_record(), prompt="t1 s1", messages=1, now=now) is None


async def test_an_hour_is_worth_it_when_another_investigation_began_with_the_same_prompt(
    make_bus: MakeBus,
) -> None:
    bus = make_bus("reasoner")
    memory = RedisMemory(bus.redis, bus.keys)
    for _ in range(2):  # a turn may be run again, on another replica too
        assert not await memory.used_within_hour("t s", INV)
    assert await memory.used_within_hour("t s", type(INV)("inc-2"))
    assert not await memory.used_within_hour("other s", type(INV)("inc-2"))


async def test_earlier_conclusions_are_told_in_the_first_message_as_data(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(submits(verdict="unknown"), cache_hour="on")
    key = f"{loop.bus.keys.prefix}history:fp"
    kept = {
        f"concluded:inc-{number}": {
            "kind": "concluded",
            "at": f"2026-11-{number:02}T03:00:00+00:00",
            "investigation_id": f"inc-{number}",
            "outcome": "diagnosed",
            "verdict": "fault",
            "confidence": "high",
            "component": f"component {number}",
            "root_cause": "it\nbroke",
        }
        for number in range(1, 6)
    }
    said = {"kind": "feedback", "investigation_id": "inc-5", "useful": "no", "reason": "was DNS"}
    for name, facts in (kept | {"feedback:inc-5": said}).items():
        await loop.bus.redis.hset(key, name, json.dumps(facts))
    await loop.bus.redis.hset(key, "odd", "no JSON")
    await loop.bus.redis.hset(key, "list", "[]")
    await loop.bus.redis.expire(key, 60)
    await loop.open(fingerprint="fp")
    record = await loop.ended()
    (body,) = loop.desk.bodies
    words = json.dumps(body["messages"])
    assert (
        "2026-11-05T03:00 diagnosed (fault, high); component: component 5; "
        "root cause: it broke; a person found it not useful: was DNS"
    ) in words
    assert [f"component {number}" in words for number in range(1, 6)] == [False, False, *[True] * 3]
    assert "<data earlier " in words
    assert json.dumps(body["tools"]).count('"ttl": "1h"') == 1
    assert record.notes[caching.CACHE_HOUR] == "1h"
    (chat,) = loop.chats()
    assert chat.attributes is not None
    assert chat.attributes["nightshift.prompt_sha256"] == record.notes[folding.PROMPT]
    assert str(chat.attributes["nightshift.cache_miss"]).startswith("first call")


def test_what_is_known_of_a_prefix_is_known_of_no_other() -> None:
    """Hashes and sizes are kept by the identity of the tools, and so must not outlive it."""
    one = three_turns(1)[1]
    for other in (
        replace(one, tools=(*TOOLS[:-1], dict(SUBMIT, description="ü"))),
        replace(one, system="Another method."),
        replace(one, services="cart: Go"),
        one,
    ):
        texts = [{"type": "text", "text": text} for text in (other.system, other.services) if text]
        parts = [texts, other.tools, other.messages]
        assert other.prompt_bytes == len(json.dumps(parts, ensure_ascii=False).encode())
        assert other.prompt == f"{caching.hash_of(other.tools)} {caching.hash_of(texts)}"
        assert (other.prompt == one.prompt) == (other is one)
