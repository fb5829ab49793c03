"""Sixty turns with big results in a small context window, over a real Redis and a strict desk."""

import json

import pytest

from bus.record import Record
from tests.reasoner.conftest import LOG, LOGS, MakeLoop, publish_catalogue
from tests.reasoner.model_desk import asks, submits

QUOTE = "System.ApplicationException: no loafers"
WINDOW = 16_000
TURNS = 60


@pytest.mark.timeout(60)
async def test_sixty_turns_fit_the_window_keep_their_prefix_and_an_early_quote_is_verified(
    make_loop: MakeLoop,
) -> None:
    replies = [asks((LOGS, {"page": number})) for number in range(1, TURNS)]
    loop = await make_loop(
        *replies,
        submits(("1-1", QUOTE)),
        replicas=2,
        context_tokens=WINDOW,
        max_turns=TURNS,
        max_tool_calls=TURNS,
        max_cost_usd=100.0,
    )
    loop.answers[LOGS] = LOG + "\n".join(f"{number} ok, nothing to see" for number in range(200))
    await loop.open()
    await loop.until(lambda record: record.turn > 3)
    await publish_catalogue(loop.bus, ("another__tool",))  # as when a tool server went away
    record: Record = await loop.ended(60)

    assert (record.outcome, record.spend.model_calls) == ("diagnosed", TURNS)
    assert record.diagnosis is not None
    (evidence,) = record.diagnosis.evidence
    assert (evidence.verified, evidence.tool_call_id) == (True, "1-1")
    sizes = [len(raw) / 3.5 for raw in loop.desk.raw]
    assert max(sizes) < WINDOW
    assert sum(sizes) > 10 * WINDOW
    prefixes = {json.dumps([body["tools"], body["system"]]) for body in loop.desk.bodies}
    assert len(prefixes) == 1
    transcript = await loop.bus.investigations.transcript(record.investigation_id)
    assert len(transcript) == 2 * TURNS
    assert sum(json.dumps(message).count("199 ok") for message in transcript) == TURNS - 1
    whys = [
        chat.attributes.get("nightshift.cache_miss") for chat in loop.chats() if chat.attributes
    ]
    assert "old results were cleared" in whys
