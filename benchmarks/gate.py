"""The gate before a call, from the event to the verdict: `python -m benchmarks gate`.

Canonical arguments, JSON Schema, STOP file, Cedar and budget, over the shipped policy, and over one
with two hundred rules and forty tools more. What Redis adds (two reads of the record's keys) is not
in it.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import JsonValue

from benchmarks.table import Table
from bus.events import InvestigationId, ToolCallId, ToolCallRequested
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import OWN, catalogue_of
from services.toolrunner.judging import judge
from services.toolrunner.policy import Facts, Scope
from services.toolrunner.ports import Tool
from services.toolrunner.settings import SHIPPED_POLICIES

TARGET_MS = 2.0
CALLS_EACH = 2_000
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


def tables() -> Iterator[Table]:
    """The time before a call, by policy and kind of call."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        policies = (("shipped", str(SHIPPED_POLICIES), 1), ("200 rules more", _large(folder), 40))
        for name, path, tools in policies:
            for kind, arguments in CALLS.items():
                found = _seconds(path, arguments, tools=tools)
                median = 1_000 * statistics.median(found)
                p99 = 1_000 * statistics.quantiles(found, n=100)[98]
                rows.append((name, kind, f"{median:.3f}", f"{p99:.3f}"))
    columns = ("policy", "call", f"median ms (at most {TARGET_MS:.0f})", "p99 ms")
    yield Table("The gate before a call", "python -m benchmarks gate", columns, tuple(rows))


def _seconds(folder: str, arguments: dict[str, JsonValue], *, tools: int) -> Sequence[float]:
    names = ["kubernetes__get_logs", *(f"kubernetes__tool_{k}" for k in range(1, tools))]
    known = [OWN, *(Tool(name, "", SCHEMA, read_only=True) for name in names)]
    gate, check = LivePolicy(folder, SCOPE, tools=known), StrictSchema()
    offer = catalogue_of(known, gate, check=check)
    call = ToolCallRequested(
        investigation_id=InvestigationId("inc-1"),
        tool_call_id=ToolCallId("1-1"),
        turn=1,
        tool=names[0],
        arguments=arguments,
    )
    taken = []
    for _ in range(CALLS_EACH):
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
