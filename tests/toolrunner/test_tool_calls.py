"""Tool calls from the stream to the stored result, over real Redis and a foreign MCP server."""

from bus.broker import Bus
from bus.events import ToolCallAudited, ToolCallId
from bus.record import Commit, Record, end
from bus.results import Result
from bus.streams import AUDIT, TOOL_CALLS
from bus.testing import all_settled, events, eventually
from services.toolrunner.audit import entry_sha256
from tests.toolrunner.conftest import Run
from tests.toolrunner.foreign import A_KEY, Shop, ask, investigation, told


async def stored(bus: Bus, record: Record, call_id: str) -> Result:
    result = await bus.results.read(record.investigation_id, call_id)
    assert result is not None
    return result


async def audits(bus: Bus) -> list[ToolCallAudited]:
    found = await events(bus, AUDIT)
    return [event for event in found if isinstance(event, ToolCallAudited)]


async def test_a_call_is_stored_whole_and_shown_with_numbered_lines(run: Run) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea", lines=2)
    finished = await told(bus, "1-1")
    result = await stored(bus, record, "1-1")
    assert finished.ok
    assert result.whole == "tea line 1\ntea line 2"
    assert result.shown == "shop__read: 2 lines\n1| tea line 1\n2| tea line 2"
    assert finished.whole_bytes == len(result.whole)


async def test_calls_are_audited_in_a_hash_chain(run: Run) -> None:
    bus = await run()
    record = await investigation(bus, "1-1", "1-2", "1-3")
    for number, tool in enumerate(("shop__read", "shop__secret", "shop__fail"), start=1):
        arguments = {"topic": "tea"} if tool == "shop__read" else {}
        await ask(bus, record, f"1-{number}", tool=tool, **arguments)
        await told(bus, f"1-{number}")
    chain = await audits(bus)
    assert [(entry.decision, entry.outcome) for entry in chain] == [
        ("allow", "executed"),
        ("deny", "refused"),
        ("allow", "failed"),
    ]
    assert [entry.number for entry in chain] == [1, 2, 3]
    hashes = [entry_sha256(entry) for entry in chain]
    assert [entry.previous_sha256 for entry in chain] == ["", *hashes[:-1]]


async def test_a_tool_that_is_not_allowed_is_refused_and_never_called(run: Run, shop: Shop) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="shop__secret")
    finished = await told(bus, "1-1")
    result = await stored(bus, record, "1-1")
    assert not finished.ok
    assert result.shown.startswith("denied: there is no tool 'shop__secret'; offered tools: ")
    assert "shop__read" in result.shown
    assert result.whole == ""
    assert shop.calls == []


async def test_wrong_arguments_are_refused_and_never_sent(run: Run, shop: Shop) -> None:
    bus = await run()
    wrong: list[dict[str, object]] = [
        {"topic": "tea", "lnes": 2},
        {"topic": "tea", "lines": "2"},
        {"lines": 2},
        {"topic": "x" * 20_000},
    ]
    record = await investigation(bus, *(f"1-{k}" for k in range(len(wrong))))
    for number, arguments in enumerate(wrong):
        await ask(bus, record, f"1-{number}", tool="shop__read", **arguments)
        await told(bus, f"1-{number}")
        result = await stored(bus, record, f"1-{number}")
        assert result.shown.startswith("denied: the arguments do not fit the tool's schema: ")
    assert shop.calls == []
    assert {entry.reason for entry in await audits(bus)} == {
        "the arguments do not fit the tool's schema"
    }


async def test_whole_numbers_written_as_floats_reach_the_tool_as_integers(run: Run) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea", lines=1.0)
    assert (await told(bus, "1-1")).ok


async def test_a_tool_that_hangs_is_answered_when_its_time_is_up(run: Run, shop: Shop) -> None:
    bus = await run(tool_seconds=0.3)
    record = await investigation(bus, "1-1", "1-2")
    await ask(bus, record, "1-1", tool="shop__hang")
    finished = await told(bus, "1-1")
    assert not finished.ok
    assert "no answer within" in finished.error
    await ask(bus, record, "1-2", tool="shop__read", topic="tea")
    assert (await told(bus, "1-2")).ok


async def test_a_long_result_is_condensed_and_one_beyond_all_measure_is_an_error(
    run: Run,
) -> None:
    bus = await run(tool_result_bytes=10_000)
    record = await investigation(bus, "1-1", "1-2", "1-3")
    for call_id, size in (("1-1", 10_001), ("1-2", 500_000), ("1-3", 9_000)):
        await ask(bus, record, call_id, tool="shop__flood", size=size)
    long, longer, short = [await told(bus, call_id) for call_id in ("1-1", "1-2", "1-3")]
    assert (long.ok, short.ok, short.whole_bytes) == (True, True, 9_000)
    assert 500 < long.whole_bytes < 10_000
    assert "were condensed as they came" in (await stored(bus, record, "1-1")).shown
    assert longer.error == (
        "shop: the answer is longer than can be condensed as it comes (160000 bytes); ask for less"
    )


async def test_what_a_failing_tool_says_reaches_the_model_and_is_not_quotable(run: Run) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="shop__fail")
    finished = await told(bus, "1-1")
    result = await stored(bus, record, "1-1")
    assert finished.error == "missing permission: read shelves"
    assert (result.whole, result.shown, result.ok) == ("", finished.error, False)


async def test_secrets_are_replaced_before_a_result_is_stored(run: Run) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="shop__read", topic="the key", lines=1)
    finished = await told(bus, "1-1")
    result = await stored(bus, record, "1-1")
    assert finished.redactions == 1
    assert A_KEY not in result.whole
    assert "1 secret replaced" in result.shown


async def test_a_call_whose_arguments_hold_a_secret_is_refused_and_never_sent(
    run: Run, shop: Shop
) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="shop__read", topic=f"who has {A_KEY}", lines=1)
    assert (await told(bus, "1-1")).error.startswith("denied: the arguments hold a secret")
    assert shop.calls == []


async def test_a_redelivered_call_gives_the_stored_result_again(run: Run, shop: Shop) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    for times in (1, 2):
        await ask(bus, record, "1-1", tool="shop__read", topic="tea")
        finished = await told(bus, "1-1", times)
        assert finished.ok
        assert finished.whole_bytes == len("tea line 1\n" * 3) - 1
    assert shop.calls == ["read tea"]
    assert len(await audits(bus)) == 1


async def test_a_call_that_was_started_before_is_made_once_more_and_audited_as_repeated(
    run: Run, shop: Shop
) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await bus.results.start(record.investigation_id, ToolCallId("1-1"), by="a replica that died")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea")
    assert (await told(bus, "1-1")).ok
    assert [entry.outcome for entry in await audits(bus)] == ["repeated"]
    assert shop.calls == ["read tea"]


async def settled(bus: Bus, calls: int) -> None:
    """So many calls were asked for and all are acknowledged."""

    async def acknowledged() -> bool:
        length = await bus.redis.xlen(bus.keys.stream(TOOL_CALLS))
        return length == calls and await all_settled(bus, TOOL_CALLS, group="toolrunner")

    await eventually(acknowledged)


async def test_a_call_that_is_not_open_is_not_made(run: Run, shop: Shop) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await ask(bus, record, "2-7", tool="shop__read", topic="closed")
    await settled(bus, 1)
    assert shop.calls == []
    assert await audits(bus) == []


async def test_a_call_of_an_ended_investigation_is_not_made(run: Run, shop: Shop) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    now = await bus.investigations.now()

    def decide(record: Record) -> Commit:
        return end(record, "cancelled", at=now)

    await bus.investigations.apply(record.investigation_id, decide)
    await ask(bus, record, "1-1", tool="shop__read", topic="ended")
    await settled(bus, 1)
    assert shop.calls == []
    assert await audits(bus) == []
