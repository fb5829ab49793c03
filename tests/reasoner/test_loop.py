"""The service through its events: over a real Redis, against a strict Messages API."""

import json

import pytest

from bus.connection import as_text
from bus.events import DiagnosisReached, InvestigationProgressed
from bus.streams import DIAGNOSES, PROGRESS
from bus.testing import events
from tests.reasoner.conftest import INV, LOGS, Loop, MakeLoop, publish_catalogue
from tests.reasoner.model_desk import Said, asks, submits, text

QUOTE = "System.ApplicationException: no loafers"


def content(loop: Loop, request: int, message: int = -1) -> list[dict[str, object]]:
    """Blocks of a message of a request to the model."""
    messages = loop.desk.bodies[request]["messages"]
    assert isinstance(messages, list)
    blocks = messages[message]["content"]
    assert isinstance(blocks, list)
    return blocks


async def spent(loop: Loop) -> dict[str, float]:
    """The day's hash: what was spent and what is reserved."""
    keys = [key async for key in loop.bus.redis.scan_iter(f"{loop.bus.keys.prefix}spend:*")]
    raw = await loop.bus.redis.hgetall(keys[0]) if keys else {}
    return {as_text(name): float(value) for name, value in raw.items()}


async def test_one_call_and_a_diagnosis_end_as_diagnosed_with_verified_evidence(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(asks((LOGS, {"pod": "cart"})), submits(("1-1", QUOTE)))
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.turn, record.spend.model_calls) == ("diagnosed", 2, 2)
    assert record.diagnosis is not None
    (evidence,) = record.diagnosis.evidence
    assert (evidence.verified, evidence.first_line, evidence.tool) == (True, 2, LOGS)
    assert record.diagnosis.confidence == "high"
    assert record.diagnosis.model == "scripted:claude-sonnet-5-5"
    assert [call.arguments for call in loop.called] == [{"pod": "cart"}]
    reached = await events(loop.bus, DIAGNOSES)
    assert reached == [DiagnosisReached(investigation_id=INV, outcome="diagnosed")]
    told = await events(loop.bus, PROGRESS)
    assert isinstance(told[0], InvestigationProgressed)
    assert told[0].activity == f"reading logs: {LOGS}"
    assert told[0].cost_usd == pytest.approx(0.003)


async def test_costs_are_those_of_the_model_that_was_asked_and_the_reservation_is_replaced(
    make_loop: MakeLoop,
) -> None:
    usage = {"cache_read_input_tokens": 500_000, "cache_creation_input_tokens": 10_000}
    loop = await make_loop(Said(submits().blocks, "tool_use", usage=usage))
    await loop.open()
    record = await loop.ended()
    dollars = (1000 * 2 + 500_000 * 0.10 + 10_000 * 2.5 + 100 * 10) / 1e6
    assert record.spend.cost_usd == pytest.approx(dollars)
    assert await spent(loop) == {"spent": pytest.approx(dollars)}
    (chat,) = loop.chats()
    assert chat.name == "chat claude-sonnet-5-5"
    attributes = dict(chat.attributes or {})
    assert attributes["gen_ai.usage.input_tokens"] == 511_000
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 500_000
    assert attributes["gen_ai.response.finish_reasons"] == ("tool_use",)
    assert attributes["nightshift.cost_usd"] == pytest.approx(dollars)
    assert "loafers" not in json.dumps(attributes)
    names = {span.name for span in loop.spans.get_finished_spans()}
    assert not [name for name in names if name.startswith("anthropic")]


async def test_the_next_request_repeats_history_verbatim_with_four_breakpoints_at_most(
    make_loop: MakeLoop,
) -> None:
    thinks = Said(asks((LOGS, {})).blocks, "tool_use", thinking="it may be the store")
    loop = await make_loop(thinks, asks((LOGS, {"again": 1})), submits(("1-1", QUOTE)))
    await loop.open()
    await loop.ended()
    first, second, third = loop.desk.bodies
    assert first["tools"] == second["tools"] == third["tools"]
    assert first["system"] == third["system"]
    assert [json.dumps(body).count("cache_control") for body in loop.desk.bodies] == [3, 4, 4]
    thought = content(loop, 2, 1)[0]
    assert (thought["type"], thought["thinking"]) == ("thinking", "it may be the store")
    transcript = await loop.bus.investigations.transcript(INV)
    assert [message["role"] for message in transcript] == ["user", "assistant"] * 3
    assert "cache_control" not in json.dumps(transcript)


async def test_results_stand_between_markers_of_the_record_and_keep_their_line_numbers(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(asks((LOGS, {}), (LOGS, {"pod": 2})), submits())
    await loop.open(attachments={"alarm": "state ALARM"})
    record = await loop.ended()
    first, second = content(loop, 1)
    assert (first["type"], second["type"]) == ("tool_result", "tool_result")
    lines = str(first["content"]).split("\n")
    assert lines[0].startswith("<result 1-1 ")
    assert lines[-1] == lines[0].replace("<", "</")
    assert "2| System.ApplicationException: no loafers" in lines
    assert record.nonce not in json.dumps(loop.desk.bodies)
    incident = str(content(loop, 0, 0)[0]["text"])
    assert "<result trigger:alarm " in incident
    assert "1| state ALARM" in incident


async def test_evidence_of_the_trigger_is_verified_and_another_incidents_result_is_not(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(
        submits(("trigger:alarm", "state ALARM"), ("9-9", QUOTE)),
        submits(("trigger:alarm", "state ALARM"), ("9-9", QUOTE)),
    )
    await loop.open(attachments={"alarm": "state ALARM"})
    record = await loop.ended()
    assert record.diagnosis is not None
    assert [item.verified for item in record.diagnosis.evidence] == [True, False]
    assert record.diagnosis.confidence == "medium"
    sent_back = content(loop, 1)[0]
    assert sent_back["is_error"] is True
    assert "9-9: there is no such result" in str(sent_back["content"])


async def test_calls_beyond_five_are_not_sent_and_unknown_tools_are_left_to_the_gate(
    make_loop: MakeLoop,
) -> None:
    calls: list[tuple[str, dict[str, object]]] = [(LOGS, {"n": n}) for n in range(7)]
    calls[1] = ("rm_rf\u00e9", {})
    loop = await make_loop(asks(*calls), submits())
    await loop.open()
    await loop.ended()
    # two workers take calls side by side
    sent = {str(call.tool_call_id): call.tool for call in loop.called}
    assert sorted(sent) == ["1-1", "1-2", "1-3", "1-4", "1-5"]
    assert sent["1-2"] == r"rm_rf\xe9"
    answers = [str(block["content"]) for block in content(loop, 1)]
    assert answers[5:] == ["not run: limit"] * 2


async def test_calls_beside_an_accepted_diagnosis_are_not_run(make_loop: MakeLoop) -> None:
    both = Said((*asks((LOGS, {})).blocks, *submits().blocks), "tool_use")
    loop = await make_loop(both)
    await loop.open()
    assert (await loop.ended()).calls == ()
    assert loop.called == []


async def test_text_without_a_call_is_reminded_once_and_then_inconclusive(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(text("Looks fine."), text("I think it is the cart."))
    await loop.open()
    record = await loop.ended()
    assert "called no tool" in str(content(loop, 1)[0]["text"])
    assert (record.outcome, len(loop.desk.bodies)) == ("inconclusive", 2)
    assert record.diagnosis is not None
    assert record.diagnosis.summary == "I think it is the cart."


@pytest.mark.parametrize("stop_reason", ["stop_sequence", "end_turn"])
async def test_a_stop_without_a_call_gets_a_reminder(make_loop: MakeLoop, stop_reason: str) -> None:
    loop = await make_loop(text("hm", stop_reason), submits())
    await loop.open()
    record = await loop.ended()
    assert record.outcome == "diagnosed"
    assert record.reminded


async def test_a_refusal_is_inconclusive_at_once(make_loop: MakeLoop) -> None:
    loop = await make_loop(text("I cannot help.", "refusal"))
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.reason) == ("inconclusive", "the model refused to go on")


async def test_a_paused_turn_goes_on(make_loop: MakeLoop) -> None:
    loop = await make_loop(text("wait", "pause_turn"), submits())
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.reminded) == ("diagnosed", False)


async def test_a_reply_that_was_cut_off_has_its_calls_answered_and_none_run(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(asks((LOGS, {}), stop_reason="max_tokens"), submits())
    await loop.open()
    assert (await loop.ended()).outcome == "diagnosed"
    assert loop.called == []
    result, said = content(loop, 1)
    assert result["content"] == "not run: your reply was cut off"
    assert "cut off" in str(said["text"])


async def test_a_full_context_window_leads_to_the_conclude_turn(make_loop: MakeLoop) -> None:
    loop = await make_loop(text("so much", "model_context_window_exceeded"), submits())
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == ("diagnosed", "context window")
    assert "conclude" in str(content(loop, 1)[-1]["text"])


async def test_an_empty_reply_can_be_sent_back_to_the_model(make_loop: MakeLoop) -> None:
    loop = await make_loop(Said((), "end_turn"), submits())
    await loop.open()
    assert (await loop.ended()).outcome == "diagnosed"


async def test_turns_are_limited_and_the_card_can_name_the_limit(make_loop: MakeLoop) -> None:
    loop = await make_loop(
        asks((LOGS, {"n": 1})), asks((LOGS, {"n": 2})), submits(("1-1", QUOTE)), max_turns=2
    )
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == ("diagnosed", "turns")
    assert record.reason == "limit reached: turns"
    assert len(loop.called) == 2


async def test_a_model_that_never_stops_is_refused_once_and_ends_out_of_budget(
    make_loop: MakeLoop,
) -> None:
    replies = [asks((LOGS, {"n": n})) for n in range(9)]
    loop = await make_loop(*replies, max_tool_calls=2)
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == ("out_of_budget", "tool calls")
    assert (len(loop.called), len(loop.desk.bodies)) == (2, 4)
    assert content(loop, 3)[0]["content"] == "refused: conclude now"


async def test_dollars_keep_the_conclude_turn_back(make_loop: MakeLoop) -> None:
    usage = {"input_tokens": 300_000}
    costly = Said(asks((LOGS, {})).blocks, "tool_use", usage=usage)
    loop = await make_loop(costly, submits(("1-1", QUOTE)), max_cost_usd=0.8)
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == ("diagnosed", "dollars")


async def test_a_day_without_money_ends_as_out_of_budget_without_a_model_call(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(submits(), max_day_cost_usd=0.01)
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == ("out_of_budget", "day budget")
    assert loop.desk.bodies == []
    assert await spent(loop) == {}


async def test_without_tools_the_investigation_concludes_and_names_the_gap(
    make_loop: MakeLoop,
) -> None:
    loop = await make_loop(submits(verdict="unknown"), tools=None, deadline_seconds=3)
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == ("inconclusive", "deadline")
    assert record.diagnosis is not None
    assert "no tool could be used" in record.diagnosis.gaps[0].what


async def test_a_catalogue_that_comes_late_is_pinned(make_loop: MakeLoop) -> None:
    loop = await make_loop(submits(), tools=None)
    await loop.open()
    await loop.until(lambda record: record.state == "turn_due")
    await publish_catalogue(loop.bus, (LOGS,))
    record = await loop.ended()
    assert record.catalogue
    tools = loop.desk.bodies[0]["tools"]
    assert isinstance(tools, list)
    assert [tool["name"] for tool in tools] == [LOGS, "submit_diagnosis"]
