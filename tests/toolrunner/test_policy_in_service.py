"""The policy of a toolrunner that runs: stop, reload, budget, and what audit and trace say."""

import hashlib
from pathlib import Path

from bus.broker import Bus
from bus.events import ToolCallAudited, ToolCallId
from bus.record import Record
from bus.results import Result
from bus.streams import AUDIT
from bus.testing import events, eventually
from tests.toolrunner.conftest import Run
from tests.toolrunner.foreign import ALLOWED, Shop, ask, investigation, told
from tests.toolrunner.policies import write_policy

STOP_WITHIN_SECONDS = 5


async def audited(bus: Bus) -> list[ToolCallAudited]:
    found = await events(bus, AUDIT)
    return [event for event in found if isinstance(event, ToolCallAudited)]


async def answer(bus: Bus, record: Record, call_id: str, tool: str, **arguments: object) -> Result:
    await ask(bus, record, call_id, tool=tool, **arguments)
    await told(bus, call_id)
    result = await bus.results.read(record.investigation_id, call_id)
    assert result is not None
    return result


async def test_a_stop_denies_every_call_and_its_end_permits_them_again(
    run: Run, shop: Shop, tmp_path: Path
) -> None:
    bus = await run()
    record = await investigation(bus, "1-1", "1-2", "1-3", "1-4")
    await answer(bus, record, "1-1", "shop__read", topic="tea")
    (tmp_path / "STOP").write_text("incident at the shop", encoding="utf-8")
    for call_id, tool, arguments in (
        ("1-2", "shop__read", {"topic": "tea"}),
        ("1-3", "shop__fail", {}),
    ):
        result = await answer(bus, record, call_id, tool, **arguments)
        assert result.shown == (
            "denied: all tool calls are stopped by the operator: incident at the shop"
        )
    (tmp_path / "STOP").unlink()
    assert (await answer(bus, record, "1-4", "shop__read", topic="tea")).ok
    assert shop.calls == ["read tea", "read tea"]
    assert [entry.outcome for entry in await audited(bus)] == [
        "executed",
        "refused",
        "refused",
        "executed",
    ]
    assert (await audited(bus))[1].rules == ("STOP",)


async def test_a_call_that_waits_for_its_turn_does_not_leave_after_a_stop(
    run: Run, shop: Shop, tmp_path: Path
) -> None:
    bus = await run(calls_per_server=1)
    record = await investigation(bus, "1-1", "1-2")
    await ask(bus, record, "1-1", tool="shop__hang")
    await eventually(lambda: is_called(shop))
    await ask(bus, record, "1-2", tool="shop__read", topic="tea")
    await eventually(lambda: is_started(bus, record, "1-2"))
    (tmp_path / "STOP").touch()
    shop.hold.set()
    await told(bus, "1-2")
    assert shop.calls == ["hang"]
    assert [entry.outcome for entry in await audited(bus)] == ["executed", "refused"]


async def is_called(shop: Shop) -> bool:
    return bool(shop.calls)


async def is_started(bus: Bus, record: Record, call_id: str) -> bool:
    return call_id in await bus.results.started(record.investigation_id)


async def test_a_changed_policy_counts_without_a_restart(
    run: Run, shop: Shop, tmp_path: Path
) -> None:
    bus = await run()
    names = [f"1-{k}" for k in range(1, 60)]
    record = await investigation(bus, *names)
    left = iter(names)
    assert (await answer(bus, record, next(left), "shop__read", topic="tea")).ok
    rest = [f"shop__{tool}" for tool in ALLOWED if tool != "read"]
    write_policy(tmp_path, *rest)

    async def is_denied() -> bool:
        result = await answer(bus, record, next(left), "shop__read", topic="tea")
        return result.shown == "denied: no rule permits shop__read at all"

    await eventually(is_denied, seconds=STOP_WITHIN_SECONDS)
    assert len({entry.policy_sha256 for entry in await audited(bus)}) == 2


async def test_in_log_only_the_audit_says_denied_beside_executed(
    run: Run, shop: Shop, tmp_path: Path
) -> None:
    bus = await run()
    (tmp_path / "tea.cedar").write_text(
        '@id("tea") @reason("Tea alone.") forbid (principal, action == Action::"shop__read", '
        'resource) unless { context.input.topic == "tea" };'
    )
    with (tmp_path / "settings.yaml").open("a") as settings:
        settings.write("mode: log_only\n")
    names = [f"1-{k}" for k in range(1, 60)]
    record = await investigation(bus, *names)
    left = iter(names)

    async def is_noticed() -> ToolCallAudited | None:
        assert (await answer(bus, record, next(left), "shop__read", topic="coffee")).ok
        last = (await audited(bus))[-1]
        return last if last.policy_mode == "log_only" else None

    found = await eventually(is_noticed, seconds=STOP_WITHIN_SECONDS)
    assert (found.decision, found.outcome, found.rules) == ("deny", "executed", ("tea",))
    assert found.reason == "Tea alone."


async def test_the_audit_names_rules_policy_and_types_and_holds_no_value(run: Run) -> None:
    bus = await run()
    record = await investigation(bus, "1-1", "1-2")
    await answer(bus, record, "1-1", "shop__read", topic="hunter2", lines=2.0)
    await answer(bus, record, "1-2", "shop__read", topic="hunter2", hunter2=1)
    good, wrong = await audited(bus)
    assert (good.rules, good.policy_mode) == (("named",), "enforce")
    assert len(good.policy_sha256) == hashlib.sha256().digest_size * 2
    assert good.argument_types == {"topic": "string", "lines": "integer"}
    assert wrong.argument_types == {"topic": "string", "(unknown)": "1"}
    assert "hunter2" not in good.model_dump_json() + wrong.model_dump_json()


async def test_calls_beyond_the_limit_are_refused_whatever_the_reasoner_counted(
    run: Run, shop: Shop
) -> None:
    bus = await run(max_tool_calls=3)
    ids = [f"1-{k}" for k in range(1, 8)]
    record = await investigation(bus, *ids)
    for call_id in ids:
        await ask(bus, record, call_id, tool="shop__read", topic="tea")
    for call_id in ids:
        await told(bus, call_id)
    assert len(shop.calls) <= 3
    results = [await bus.results.read(record.investigation_id, call_id) for call_id in ids]
    refused = [result.shown for result in results if result and not result.ok]
    assert set(refused) == {"denied: the investigation has had its 3 tool calls"}


async def test_the_last_call_within_the_limit_is_made(run: Run, shop: Shop) -> None:
    bus = await run(max_tool_calls=3)
    record = await investigation(bus, "1-1", "1-2", "1-3")
    for call_id in ("1-3", "1-2", "1-1"):
        await ask(bus, record, call_id, tool="shop__read", topic="tea")
    for call_id in ("1-1", "1-2", "1-3"):
        assert (await told(bus, call_id)).ok
    assert len(shop.calls) == 3


async def test_a_call_that_is_made_again_costs_nothing_more(run: Run, shop: Shop) -> None:
    bus = await run(max_tool_calls=1)
    record = await investigation(bus, "1-1")
    await bus.results.start(record.investigation_id, ToolCallId("1-1"), by="a replica that died")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea")
    assert (await told(bus, "1-1")).ok
    assert shop.calls == ["read tea"]
