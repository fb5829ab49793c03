"""Replies that are half of one, and replies whose tokens nobody counted."""

from dataclasses import replace

from bus.connection import as_text
from tests.reasoner.conftest import Loop, MakeLoop
from tests.reasoner.model_desk import asks, submits, text


def answered(loop: Loop, number: int) -> str:
    """What request `number`, from 0, says about the call before it."""
    messages = loop.desk.bodies[number]["messages"]
    assert isinstance(messages, list)
    return str(messages[-1]["content"])


async def test_a_diagnosis_that_was_cut_off_is_asked_for_again_and_may_still_be_mended(
    make_loop: MakeLoop,
) -> None:
    half: dict[str, object] = {"verdict": "unknown", "summary": "The cart cannot be st"}
    cut = asks(("submit_diagnosis", half), stop_reason="max_tokens")
    wrong = submits(("trigger:alarm", "state ALARM since 03:01"))
    loop = await make_loop(cut, wrong, submits())
    await loop.open()
    assert (await loop.ended()).outcome == "diagnosed"
    assert "your reply was cut off" in answered(loop, 1)
    assert "cannot be verified" in answered(loop, 2)


async def test_at_the_very_end_half_a_diagnosis_is_all_there_is(make_loop: MakeLoop) -> None:
    half: dict[str, object] = {"verdict": "unknown", "summary": "The cart cannot be st"}
    cut = asks(("submit_diagnosis", half), stop_reason="max_tokens")
    loop = await make_loop(text("so much", "model_context_window_exceeded"), cut, cut)
    await loop.open()
    record = await loop.ended()
    assert record.outcome == "inconclusive"
    assert record.diagnosis is not None
    assert record.diagnosis.summary == half["summary"]


async def test_a_reply_whose_tokens_nobody_counted_costs_what_was_held_back_for_it(
    make_loop: MakeLoop,
) -> None:
    nothing = {"input_tokens": 0, "output_tokens": 0}
    loop = await make_loop(replace(submits(), usage=nothing))
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.spend.cost_usd) == ("diagnosed", None)
    spend = loop.bus.keys.spend(f"{record.opened_at:%Y-%m-%d}")
    held = await loop.bus.redis.hgetall(spend)
    (usd,) = (float(value) for name, value in held.items() if as_text(name).startswith("inc-"))
    assert usd > 0.01
