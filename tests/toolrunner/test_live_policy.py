"""The policy while its folder changes: taken whole or not at all; a stop counts whatever else."""

import logging
import os
from pathlib import Path

import pytest

from bus.errors import NotConfigured
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.ports import Tool
from tests.toolrunner.policies import FACTS, SCOPE, TOOLS, shipped, write_policy

PODS, SEARCH = "kubernetes__list_pods", "github__search_code"
POD_CALL = {"namespace": "kube-system"}


def in_force(folder: Path) -> LivePolicy:
    gate = LivePolicy(str(folder), SCOPE, tools=TOOLS)
    return gate


def permits(gate: LivePolicy, tool: str) -> bool:
    arguments = POD_CALL if tool == PODS else {"query": "x"}
    return not gate.decide(tool, arguments, facts=FACTS).refuses


async def test_changed_files_are_in_force_after_a_look(tmp_path: Path) -> None:
    write_policy(tmp_path, PODS)
    gate = in_force(tmp_path)
    before = gate.sha256
    write_policy(tmp_path, SEARCH)
    assert permits(gate, PODS)
    await gate.look()
    assert (permits(gate, PODS), permits(gate, SEARCH)) == (False, True)
    assert gate.may_offer(SEARCH)
    assert gate.sha256 != before
    assert await gate.problem() == ""


async def test_a_config_map_is_taken_when_its_link_moves(tmp_path: Path) -> None:
    """Kubernetes writes a new folder and moves the link `..data` to it: all files change."""
    for name, tool in (("..first", PODS), ("..second", SEARCH)):
        (tmp_path / name).mkdir()
        write_policy(tmp_path / name, tool)
    (tmp_path / "..data").symlink_to("..first")
    for name in ("named.cedar", "settings.yaml"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    gate = in_force(tmp_path)
    assert permits(gate, PODS)
    (tmp_path / "..data_tmp").symlink_to("..second")
    os.replace(tmp_path / "..data_tmp", tmp_path / "..data")
    await gate.look()
    assert (permits(gate, PODS), permits(gate, SEARCH)) == (False, True)


@pytest.mark.parametrize(
    "broken", ["permit (", '@id("r") permit (principal, action, resource);', None]
)
async def test_files_that_are_wrong_are_not_taken_and_readiness_says_why(
    broken: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_policy(tmp_path, PODS)
    gate = in_force(tmp_path)
    before, file = gate.sha256, tmp_path / "named.cedar"
    good = file.read_text(encoding="utf-8")
    file.write_text(broken, encoding="utf-8") if broken else file.unlink()
    for _ in range(3):
        await gate.look()
    assert permits(gate, PODS)
    assert gate.sha256 == before
    assert await gate.problem() != ""
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    file.write_text(good, encoding="utf-8")
    await gate.look()
    assert await gate.problem() == ""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("settings.yaml", b"mode: 2026-13-45"),
        ("settings.yaml", b"mode: !!int x"),
        ("settings.yaml", b"[" * 5_000),
        ("settings.yaml", b"\xff"),
        ("more.cedar", b"\xff"),
    ],
)
async def test_whatever_a_file_holds_the_policy_before_it_stays_and_the_loop_too(
    name: str, content: bytes, tmp_path: Path
) -> None:
    """Seen: a date that is none in `settings.yaml` ended the running toolrunner."""
    write_policy(tmp_path, PODS)
    gate = in_force(tmp_path)
    (tmp_path / name).write_bytes(content)
    await gate.look()
    assert permits(gate, PODS)
    assert name in await gate.problem()


async def test_a_second_wrong_set_is_told_too_and_a_good_one_after_it_is_taken(
    tmp_path: Path,
) -> None:
    write_policy(tmp_path, PODS)
    gate = in_force(tmp_path)
    for broken, words in (("permit (", "cannot be parsed"), ("", "holds a rule")):
        (tmp_path / "named.cedar").write_text(broken, encoding="utf-8")
        await gate.look()
        assert words in await gate.problem()
    write_policy(tmp_path, SEARCH)
    await gate.look()
    assert permits(gate, SEARCH)
    assert await gate.problem() == ""


def test_wrong_files_at_the_start_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text("permit (", encoding="utf-8")
    with pytest.raises(NotConfigured, match="NIGHTSHIFT_POLICY_DIR"):
        LivePolicy(str(tmp_path), SCOPE, tools=TOOLS)


def test_a_policy_that_does_not_fit_the_reviewed_tools_is_refused_at_the_start(
    tmp_path: Path,
) -> None:
    write_policy(tmp_path, PODS)
    other = Tool("kubernetes__list_all", "", {"type": "object"}, read_only=True)
    with pytest.raises(NotConfigured, match=r"NIGHTSHIFT_POLICY_DIR .* names `kubernetes__list_p"):
        LivePolicy(str(tmp_path), SCOPE, tools=[other])


async def test_a_stop_denies_every_call_at_once_also_beside_files_that_are_wrong(
    tmp_path: Path,
) -> None:
    write_policy(tmp_path, PODS)
    (tmp_path / "settings.yaml").write_text("mode: log_only", encoding="utf-8")
    gate = in_force(tmp_path)
    assert permits(gate, PODS)
    (tmp_path / "named.cedar").write_text("permit (", encoding="utf-8")
    (tmp_path / "STOP").write_text("token leaked,\n ask Ada\x1b[0m", encoding="utf-8")
    for tool in (PODS, "read_result", "no__such"):
        found = gate.decide(tool, POD_CALL, facts=FACTS)
        assert found.refuses
        assert found.rules == ("STOP",)
        assert found.reason == ("all tool calls are stopped by the operator: token leaked, ask Ada")
    (tmp_path / "STOP").unlink()
    assert gate.stopped() == ""


@pytest.mark.parametrize("kind", ["folder", "broken link", "empty"])
def test_a_stop_of_any_kind_counts(kind: str, tmp_path: Path) -> None:
    write_policy(tmp_path, PODS)
    gate, stop = in_force(tmp_path), tmp_path / "STOP"
    make = {
        "folder": stop.mkdir,
        "broken link": lambda: stop.symlink_to("nowhere"),
        "empty": stop.touch,
    }
    make[kind]()
    assert gate.stopped() == "all tool calls are stopped by the operator"


def test_without_its_folder_nothing_may_be_called(tmp_path: Path) -> None:
    """Nobody could put a STOP there."""
    folder = tmp_path / "policy"
    folder.mkdir()
    write_policy(folder, PODS)
    gate = in_force(folder)
    folder.rename(tmp_path / "elsewhere")
    assert "cannot be read" in gate.stopped()
    assert not permits(gate, PODS)


def logging_only(folder: Path) -> LivePolicy:
    rule = """
    @id("boutique") @reason("The boutique may be read.")
    permit (principal, action in Action::"kubernetes:read", resource == Namespace::"boutique");
    @id("no-kube") @reason("Not kube.")
    forbid (principal, action in Action::"kubernetes:read", resource == Namespace::"kube-system");
    @id("sums") @reason("A sum.")
    forbid (principal, action, resource)
    when { context.facts.calls_used + 9223372036854775800 < 0 };
    """
    (folder / "own.cedar").write_text(rule, encoding="utf-8")
    (folder / "settings.yaml").write_text("mode: log_only", encoding="utf-8")
    return in_force(folder)


def test_in_log_only_a_denial_by_the_rules_is_told_and_does_not_refuse(tmp_path: Path) -> None:
    gate = logging_only(tmp_path)
    for name, rules in (("default", ()), ("kube-system", ("no-kube",))):
        found = gate.decide(PODS, {"namespace": name}, facts=FACTS)
        assert (found.verdict, found.rules, found.mode) == ("deny", rules, "log_only")
        assert not found.refuses
        assert found.reason


def test_log_only_lets_no_further_tool_nor_an_error_pass(tmp_path: Path) -> None:
    gate = logging_only(tmp_path)
    assert not gate.may_offer(SEARCH)
    assert gate.decide(SEARCH, {"query": "x"}, facts=FACTS).refuses
    assert gate.decide("kubernetes__delete_pod", {}, facts=FACTS).refuses
    assert gate.decide(PODS, {"namespace": 7}, facts=FACTS).refuses
    many = type(FACTS)(pinned=True, calls_used=100, calls_allowed=40, seconds_left=9)
    assert gate.decide(PODS, {"namespace": "boutique"}, facts=many).refuses


def test_the_shipped_policy_enforces() -> None:
    assert shipped().mode == "enforce"
