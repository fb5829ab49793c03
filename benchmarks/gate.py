"""The gate before a call, from the event to the verdict: `python -m benchmarks.gate`.

Canonical arguments, JSON Schema, STOP file, Cedar and budget, over the shipped policy, and over one
with two hundred rules and forty tools more. What Redis adds (two reads of the record's keys) is not
in it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from bus.events import InvestigationId, ToolCallId, ToolCallRequested
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import OWN, catalogue_of
from services.toolrunner.judging import judge
from services.toolrunner.policy import Facts, Scope
from services.toolrunner.ports import Tool
from services.toolrunner.settings import SHIPPED_POLICIES

TARGET_MS = 2.0
SCOPE = Scope(("boutique", "payments"), "Example/boutique")
FACTS = Facts(calls_used=7, calls_allowed=40, seconds_left=200)
TEXT: JsonValue = {"type": "string"}
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "namespace": TEXT,
        "pod": TEXT,
        "container": {"anyOf": [TEXT, {"type": "null"}]},
        "tail_lines": {"type": "integer", "minimum": 1, "maximum": 5000},
        "previous": {"type": "boolean"},
    },
    "required": ["namespace", "pod"],
}
CALLS: dict[str, dict[str, JsonValue]] = {
    "permitted": {"namespace": "boutique", "pod": "cartservice-0", "tail_lines": 500},
    "denied": {"namespace": "kube-system", "pod": "coredns-0"},
    "16 KB of arguments": {"namespace": "boutique", "pod": "x" * 16_000},
}


def main() -> None:
    """Print the table; exit 1 when a median is over the target."""
    parser = argparse.ArgumentParser(description="The gate before a call, in milliseconds.")
    parser.add_argument("--calls", type=int, default=2_000, help="of each kind")
    calls = parser.parse_args().calls
    medians = []
    with tempfile.TemporaryDirectory() as folder:
        policies = (("shipped", str(SHIPPED_POLICIES), 1), ("200 rules more", _large(folder), 40))
        sys.stdout.write("| policy | call | median ms | p99 ms |\n|---|---|---|---|\n")
        for name, path, tools in policies:
            for kind, arguments in CALLS.items():
                found = _seconds(path, arguments, tools=tools, calls=calls)
                medians.append(1_000 * statistics.median(found))
                p99 = 1_000 * statistics.quantiles(found, n=100)[98]
                sys.stdout.write(f"| {name} | {kind} | {medians[-1]:.3f} | {p99:.3f} |\n")
    if max(medians) > TARGET_MS:
        sys.exit(f"a median is over {TARGET_MS:.0f} ms")


def _seconds(
    folder: str, arguments: dict[str, JsonValue], *, tools: int, calls: int
) -> Sequence[float]:
    names = ["kubernetes__get_logs", *(f"kubernetes__tool_{k}" for k in range(1, tools))]
    known = [OWN, *(Tool(name, "", SCHEMA, read_only=True) for name in names)]
    gate, check = LivePolicy(folder, SCOPE), StrictSchema()
    gate.learn(known)
    offer = catalogue_of(known, gate, check=check)
    call = ToolCallRequested(
        investigation_id=InvestigationId("inc-1"),
        tool_call_id=ToolCallId("1-1"),
        turn=1,
        tool=names[0],
        arguments=arguments,
    )
    taken = []
    for _ in range(calls):
        began = time.perf_counter()
        judge(call, offer, gate=gate, check=check, facts=FACTS)
        taken.append(time.perf_counter() - began)
    return taken


def _large(folder: str) -> str:
    for file in SHIPPED_POLICIES.glob("*.*"):
        Path(folder, file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    rules = (
        f'@id("team-{k}") @reason("The namespace of a team.")\n'
        f'permit (principal, action in Action::"kubernetes:read", resource == Namespace::"t{k}")\n'
        f"when {{ context.facts.calls_used < {k + 20} }};\n"
        for k in range(200)
    )
    Path(folder, "teams.cedar").write_text("".join(rules), encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
