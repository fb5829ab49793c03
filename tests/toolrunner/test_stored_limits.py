"""What an investigation may store is limited: by one script, so also for calls at the same time."""

import asyncio

import pytest

from bus.broker import Bus
from bus.events import ToolCallFinished, ToolCallId
from bus.record import Record
from bus.results import NoRoom, Result
from tests.bus.incidents import an_entry
from tests.toolrunner.conftest import Run
from tests.toolrunner.error_lines import quotable
from tests.toolrunner.foreign import ask, investigation, told

CALLS = tuple(f"1-{k}" for k in range(1, 6))
AN_EMPTY_WHOLE = 8


async def stored_bytes(bus: Bus, record: Record) -> int:
    key = bus.results.keys.of(record.investigation_id, "results")
    return sum([await bus.redis.hstrlen(key, f"{call}:whole") for call in CALLS])


async def test_calls_at_once_store_no_more_together_than_an_investigation_may(run: Run) -> None:
    bus = await run()
    bus.results.most = 4_000
    record = await investigation(bus, *CALLS)
    asked = (
        ask(bus, record, call, tool="shop__read", topic=f"tea {call}", lines=900) for call in CALLS
    )
    await asyncio.gather(*asked)
    finished = [await told(bus, call) for call in CALLS]
    assert all(each.ok for each in finished)
    assert 2_000 < await stored_bytes(bus, record) <= 4_000 + len(CALLS) * AN_EMPTY_WHOLE


async def test_what_no_longer_fits_is_shown_with_what_it_lacks_and_quotes_stay_exact(
    run: Run,
) -> None:
    bus = await run()
    bus.results.most = 3_000
    record = await investigation(bus, "1-1", "1-2")
    for call in ("1-1", "1-2"):
        await ask(bus, record, call, tool="shop__read", topic=f"tea {call}", lines=900)
        assert (await told(bus, call)).ok
    result = await bus.results.read(record.investigation_id, "1-2")
    assert result is not None
    assert "are not kept" in result.shown or "nothing may be quoted" in result.shown
    lines = result.whole.split("\n")
    for number, text in quotable(result.shown.split("\n")):
        assert lines[number - 1] == text


async def test_a_result_without_room_changes_nothing_and_an_empty_one_always_has_room(
    run: Run,
) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    bus.results.most = 100
    entry = await an_entry(bus, record.incident)
    finished = ToolCallFinished(
        investigation_id=record.investigation_id, tool_call_id=ToolCallId("1-1"), ok=True
    )
    full = Result(whole="\n".join(str(n * n) for n in range(400)), shown="")
    with pytest.raises(NoRoom) as refused:
        await bus.results.store(finished, full, audited=None, entry=entry)
    assert (refused.value.args, entry.acknowledged) == ((100,), False)
    assert await bus.results.read(record.investigation_id, "1-1") is None
    await bus.results.store(finished, Result(whole="", shown="x"), audited=None, entry=entry)
    assert entry.acknowledged
