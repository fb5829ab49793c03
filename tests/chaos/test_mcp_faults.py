"""While one of two MCP servers does harm, or is down, incidents are diagnosed from the other (R12).

What its calls were to show is told as an error, within the tool's limit, and is a gap. In the full
lane only: that each fault is an error in time, `tests/toolrunner/test_hostile_servers.py` shows.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.redis_server import free_port
from tests.chaos.load import SCENARIO
from tests.chaos.struck import Struck, struck_stack, wrong
from tests.lane import Figures, Lane
from tests.toolrunner.foreign import pin, pinned_as_told
from tests.toolrunner.hostile import TOOL
from tests.toolrunner.policies import write_policy

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
FAULTS = (
    *("hang", "drip", "endless", "stream", "deep", "many"),
    *("cut", "truncated", "garbage", "html", "unavailable", "packed"),
)
AMOUNT = {"stream": 40, "deep": 100_000, "many": 1_000_000, "packed": 40}
TOOL_SECONDS = 2
PROOF = "the shelves are empty since noon"
PER_FAULT, DOWN = 5, 60
DIAGNOSED = 0.95
GAPS = ("far: not reachable (", "far: not asked (")


@dataclass(frozen=True)
class Seen:
    """How every incident ended, by what its server did, and what was told of its calls."""

    outcomes: dict[str, list[str | None]]
    told: list[dict[str, Any]]
    cards: dict[str, list[dict[str, Any]]]
    unmet: list[str]


def scenario_with(fault: str) -> dict[str, Any]:
    """One turn that asks both servers; what the good one says is the evidence."""
    scenario: dict[str, Any] = yaml.safe_load(Path(SCENARIO).read_text(encoding="utf-8"))
    scenario["name"] = fault
    calls = [
        {"tool": "far__read", "arguments": {"topic": fault, "lines": AMOUNT.get(fault, 0)}},
        {"tool": "good__read", "arguments": {"topic": PROOF}},
    ]
    scenario["script"]["turns"] = [{"text": "Both at once.", "calls": calls}]
    evidence = {"tool": "good__read", "pattern": PROOF, "proves": "what is missing"}
    scenario["script"]["diagnosis"]["evidence"] = [evidence]
    return scenario


def hostile(port: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.toolrunner.hostile", str(port)]
    return subprocess.Popen(command, cwd=ROOT)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, lane: Lane) -> Iterator[Seen]:
    """Some incidents under each fault, then some while the server is down."""
    if not lane.full:
        pytest.skip("in the full lane only")
    folder = tmp_path_factory.mktemp("servers")
    ports = {"far": free_port(), "good": free_port()}
    servers = {name: {"url": f"http://127.0.0.1:{port}/mcp"} for name, port in ports.items()}
    (folder / "servers.json").write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    write_policy(folder, *(f"{name}__read" for name in servers))
    pin(folder, **{name: pinned_as_told(TOOL) for name in servers})
    for fault in FAULTS:
        text = yaml.safe_dump(scenario_with(fault))
        (folder / f"{fault}.yaml").write_text(text, encoding="utf-8")
    settings = {
        "NIGHTSHIFT_MCP_SERVERS": str(folder / "servers.json"),
        "NIGHTSHIFT_POLICY_DIR": str(folder),
        "NIGHTSHIFT_TOOL_SECONDS": str(TOOL_SECONDS),
    }
    far, good = (hostile(port) for port in ports.values())
    try:
        first = str(folder / f"{FAULTS[0]}.yaml")
        with struck_stack(settings=settings, scenario=first, model_seconds=0.02) as struck:
            yield _played(struck, folder, far=far)
    finally:
        for process in (far, good):
            process.kill()
            process.wait()


def _played(struck: Struck, folder: Path, *, far: "subprocess.Popen[bytes]") -> Seen:
    played: dict[str, list[str]] = {}
    for fault in FAULTS:
        struck.show(str(folder / f"{fault}.yaml"))
        played[fault] = [f"{fault}-{number}" for number in range(PER_FAULT)]
        for incident in played[fault]:
            struck.open(incident)
        struck.wait_for_ends()
    far.kill()
    far.wait()
    played["down"] = [f"down-{number}" for number in range(DOWN)]
    for incident in played["down"]:
        struck.open(incident)
    struck.wait_for_ends()
    struck.wait("every card", struck.all_told, seconds=40)
    outcomes: dict[str, list[str | None]] = {
        fault: [struck.ended(incident).outcome for incident in incidents]
        for fault, incidents in played.items()
    }
    told = [json.loads(entry["data"]) for entry in struck.desk.entries("tool-results")]
    return Seen(outcomes, told, struck.cards(), struck.unmet)


def test_every_fault_of_a_server_is_told_and_the_diagnosis_goes_on(
    seen: Seen, figures: Figures
) -> None:
    ended = Counter(outcome for outcomes in seen.outcomes.values() for outcome in outcomes)
    share = ended["diagnosed"] / ended.total()
    size = f"one of two MCP servers at fault, {ended.total()} incidents"
    figures.add("R12", f"{size}: share that is diagnosed", share, f">= {DIAGNOSED}")
    figures.add("R12", f"{size}: without their one final message", wrong(seen.cards), 0)
    assert seen.unmet == []
    assert share >= DIAGNOSED, seen.outcomes
    assert wrong(seen.cards) == 0


def test_while_a_server_is_down_every_call_to_it_is_a_gap_in_a_sentence(
    seen: Seen, figures: Figures
) -> None:
    outcomes = seen.outcomes["down"]
    share = outcomes.count("diagnosed") / len(outcomes)
    size = f"one of two MCP servers down, {len(outcomes)} incidents"
    figures.add("R12", f"{size}: share that is diagnosed", share, f">= {DIAGNOSED}")
    assert share >= DIAGNOSED
    down = [each for each in seen.told if str(each["investigation_id"]).startswith("down-")]
    failed = [str(each["error"]) for each in down if not each["ok"]]
    assert len(failed) == len(outcomes)
    assert {error for error in failed if not error.startswith(GAPS)} == set()
    assert all("is a gap in this diagnosis; nothing was read" in error for error in failed)
