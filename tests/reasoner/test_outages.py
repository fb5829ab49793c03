"""When the model is slow, down or says no; and what the clock does to a turn."""

import asyncio
import json
import math

import pytest
from pydantic import SecretStr

from bus.errors import NotConfigured, Unavailable
from bus.streams import DIAGNOSES, TURNS
from bus.testing import events, eventually
from services.reasoner.adapters.claude import Claude
from services.reasoner.adapters.files import prices
from services.reasoner.adapters.pace import Pace
from services.reasoner.app import build
from services.reasoner.budget import COST_OF_TURN, TurnCost
from services.reasoner.investigation import concluding
from services.reasoner.settings import Settings
from services.reasoner.turn import Request
from simulator.serving import served
from tests.conftest import MakeBus
from tests.reasoner.conftest import INV, LOGS, Loop, MakeLoop, tool
from tests.reasoner.model_desk import KEY, ModelDesk, Said, asks, submits, text


def says(status: int, **headers: str) -> Said:
    return Said(status=status, headers={name.replace("_", "-"): v for name, v in headers.items()})


async def asked(loop: Loop, times: int) -> None:
    async def met() -> bool:
        return len(loop.desk.bodies) >= times

    await eventually(met)


@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_a_passing_refusal_is_tried_again_in_one_span(
    make_loop: MakeLoop, status: int
) -> None:
    loop = await make_loop(says(status, retry_after="0.01"), submits())
    await loop.open()
    assert (await loop.ended()).outcome == "diagnosed"
    (chat,) = loop.chats()
    assert dict(chat.attributes or {})["http.request.resend_count"] == 1
    assert len(loop.desk.bodies) == 2


async def test_a_retry_after_that_does_not_fit_hands_the_turn_back_and_spends_nothing(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(says(429, retry_after="1000"), deadline_seconds=60)
    await loop.open()
    await asked(loop, 1)

    async def waits() -> bool:
        waiting = await loop.bus.redis.xpending(loop.bus.keys.stream(TURNS), "reasoner")
        keys = [key async for key in loop.bus.redis.scan_iter(f"{loop.bus.keys.prefix}spend:*")]
        reserved = await loop.bus.redis.hgetall(keys[0]) if keys else {}
        return bool(waiting["pending"] == 1 and not reserved and loop.chats())

    await eventually(waits)
    record = await loop.record()
    assert record is not None
    assert (record.state, record.spend.model_calls) == ("turn_due", 0)


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_for_good_ends_as_failed_at_once(make_loop: MakeLoop, status: int) -> None:
    loop = await make_loop(says(status))
    await loop.open()
    record = await loop.ended()
    assert record.outcome == "failed"
    assert record.reason == f"the model API refused: {status} api_error: status {status} as told"
    assert len(loop.desk.bodies) == 1
    assert len(await events(loop.bus, DIAGNOSES)) == 1


async def test_the_same_bad_request_three_times_ends_as_failed(make_loop: MakeLoop) -> None:
    loop = await make_loop(says(400, retry_after="0.01"))
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, len(loop.desk.bodies)) == ("failed", 3)


async def test_a_turn_that_is_cut_off_is_run_again_under_its_entry(make_loop: MakeLoop) -> None:
    never = Said(submits().blocks, held=asyncio.Event())
    loop = await make_loop(never, submits(), model_seconds=0.4)
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.turn, len(loop.desk.bodies)) == ("diagnosed", 1, 2)
    (entries,) = [await loop.bus.redis.xlen(loop.bus.keys.stream(TURNS))]
    assert entries == 1
    assert dict(loop.chats()[0].attributes or {})["nightshift.cut_off"] is True
    assert loop.chats()[0].status.is_ok


async def test_at_the_conclude_point_a_hanging_turn_becomes_the_conclude_turn(
    make_loop: MakeLoop,
) -> None:
    never = Said(submits().blocks, held=asyncio.Event())
    loop = await make_loop(never, submits(), deadline_seconds=4)
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == ("diagnosed", "deadline")
    first, second = loop.desk.bodies
    assert first["tools"] == second["tools"]
    assert second["tool_choice"] == {"type": "auto"}
    assert b"conclude: the deadline is near" in loop.desk.raw[1]


async def test_a_reply_after_the_conclude_point_that_asks_for_tools_runs_none(
    make_loop: MakeLoop,
) -> None:
    held = asyncio.Event()
    late = Said(asks((LOGS, {})).blocks, "tool_use", held=held)
    loop = await make_loop(late, text("It is the cart."))
    await loop.open()
    await asked(loop, 1)
    await loop.bus.investigations.apply(INV, lambda r: concluding(r, r.turn, why="deadline"))
    held.set()
    record = await loop.ended()
    assert (loop.called, record.outcome) == ([], "inconclusive")
    assert b"not run, no time left" in loop.desk.raw[1]
    assert record.diagnosis is not None
    assert record.diagnosis.summary == "It is the cart."


async def test_evidence_that_fails_in_the_conclude_turn_is_marked_not_sent_back(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(
        asks((LOGS, {})), submits(("1-1", "never was there at all")), max_turns=1
    )
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, len(loop.desk.bodies)) == ("inconclusive", 2)
    assert record.diagnosis is not None
    assert [item.verified for item in record.diagnosis.evidence] == [False]


async def test_an_unknown_model_has_an_unknown_cost_that_no_limit_in_dollars_sees(
    make_loop: MakeLoop,
) -> None:
    limits = {"max_cost_usd": 0.0, "max_day_cost_usd": 0.0}
    loop = await make_loop(submits(), model="claude-sonnet-5", **limits)
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.spend.cost_usd) == ("diagnosed", None)
    cost = TurnCost.model_validate_json(record.notes[f"{COST_OF_TURN}1"])
    assert cost.cost_usd is None
    assert "nightshift.cost_usd" not in dict(loop.chats()[0].attributes or {})


async def test_thinking_can_be_switched_off_and_conclusions_forced(make_loop: MakeLoop) -> None:
    loop = await make_loop(submits(), thinking=False)
    await loop.open()
    await loop.ended()
    body = loop.desk.bodies[0]
    assert "thinking" not in body
    assert "temperature" not in json.dumps(sorted(body))


def test_a_missing_key_is_one_sentence(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner", Settings)
    assert isinstance(bus.settings, Settings)
    with pytest.raises(NotConfigured, match="ANTHROPIC_API_KEY is missing"):
        build(bus.settings, bus)


async def test_an_unreachable_model_fails_readiness_with_a_sentence(make_bus: MakeBus) -> None:
    address = "http://127.0.0.1:9"
    bus = make_bus(
        "reasoner", Settings, anthropic_api_key=SecretStr("k"), anthropic_base_url=address
    )
    assert isinstance(bus.settings, Settings)
    problem = await build(bus.settings, bus).health.checks["model"]()
    assert problem.startswith(f"the model API at {address} cannot be reached")


async def test_a_model_that_cannot_be_reached_makes_the_turn_wait(make_loop: MakeLoop) -> None:
    loop = await make_loop(submits(), anthropic_base_url="http://127.0.0.1:9", deadline_seconds=2)
    await loop.open()
    record = await loop.until(lambda record: bool(record.concluding), 9)
    assert (record.state, record.spend.model_calls, loop.desk.bodies) == ("turn_due", 0, [])


async def test_what_redis_and_the_api_would_not_take_is_replaced_in_a_reply(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(text("half a pair: \ud83d"), submits())
    await loop.open()
    record = await loop.ended()
    assert record.outcome == "diagnosed"
    assert b"half a pair: ?" in loop.desk.raw[1]


@pytest.mark.parametrize(("looks", "sent"), [(0, 0), (1, 0), (2, 1)])
async def test_a_request_leaves_only_while_the_lease_lasts_and_so_does_a_retry(
    make_bus: MakeBus, looks: int, sent: int
) -> None:
    desk, looked = ModelDesk([says(500)]), iter(range(looks))

    def runs_out() -> float:
        if next(looked, None) is None:
            raise Unavailable("the lease on this entry has run out")
        return math.inf

    async with served(desk.app()) as address:
        key = SecretStr(KEY)
        bus = make_bus("reasoner", Settings, anthropic_api_key=key, anthropic_base_url=address)
        assert isinstance(bus.settings, Settings)
        pace = Pace(bus.redis, bus.keys, bus.settings)
        claude = Claude(bus.settings, bus.tracing, prices(), pace, back_off_seconds=0.001)
        with pytest.raises(Unavailable, match="has run out"):
            await claude.ask(first_request(), seconds=5, check=runs_out)
        await claude.client.close()
    assert len(desk.bodies) == sent


def first_request() -> Request:
    return Request(
        investigation_id=INV,
        turn=1,
        concludes=False,
        system="find the cause",
        tools=(tool(LOGS),),
        history=(),
        message={"role": "user", "content": [{"type": "text", "text": "an incident"}]},
        updates_shown=0,
    )
