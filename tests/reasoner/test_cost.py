"""What caching saves, by the simulator's rules and the dated price list; nothing is timed."""

from benchmarks.cost import LEAST_SAVED, TURNS, saved_of_input
from bus.events import ToolCallId
from bus.record import Call, Record
from services.reasoner.transcript import Message, Usage
from simulator.model.usage import PromptCache
from tests.bus.incidents import a_record
from tests.reasoner.conftest import LOGS
from tests.reasoner.test_caching import Clock, build, prompt

SHOWN = "\n".join(f"{number}| info: GetCart took {number} ms" for number in range(1, 60))


def grown(turn: int) -> tuple[Record, list[Message]]:
    """The record and the transcript with which a turn begins: one call with its result a turn."""
    record, transcript = a_record(nonce="5" * 32), list[Message]()
    for number in range(1, turn):
        calls = (
            Call(
                tool_call_id=ToolCallId(f"{number}-1"),
                tool_use_id=f"tu{number}",
                tool=LOGS,
                state="ok",
            ),
        )
        use = {"type": "tool_use", "id": f"tu{number}", "name": LOGS, "input": {"page": number}}
        sent = build(record, transcript, shown={f"{number - 1}-1": SHOWN})
        transcript += [sent.message, {"role": "assistant", "content": [use]}]
        record = record.changed(turn=number + 1, calls=(*record.calls, *calls))
    return record, transcript


def test_twenty_turns_cost_a_sixth_of_what_their_input_costs_uncached() -> None:
    """The sample of `python -m benchmarks cost`: the requests as built, one lost mark shows."""
    cache, usages = PromptCache(Clock()), list[Usage]()
    for turn in range(1, TURNS + 1):
        record, transcript = grown(turn)
        request = build(record, transcript, shown={f"{turn - 1}-1": SHOWN})
        told = cache.account(prompt(request))
        usages.append(
            Usage(
                input_tokens=told.input_tokens,
                cache_read_tokens=told.read,
                cache_write_5m_tokens=told.written_5m,
                cache_write_1h_tokens=told.written_1h,
            )
        )
    assert saved_of_input(usages) >= LEAST_SAVED
    assert [usage.input_tokens for usage in usages] == [0] * TURNS
