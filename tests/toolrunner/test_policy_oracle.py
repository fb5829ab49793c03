"""Generated calls against an oracle that shares no code with the gate: they never disagree."""

import random
from collections.abc import Mapping

from pydantic import JsonValue

from bus.events import InvestigationId, ToolCallId, ToolCallRequested
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import catalogue_of
from services.toolrunner.judging import judge
from services.toolrunner.policy import Facts
from tests.lane import Figures, Lane
from tests.toolrunner.policies import TOOLS, shipped

CALLS = 5_000
NAMESPACES: tuple[JsonValue, ...] = (
    "boutique",
    "boutique",
    "boutique",
    "shop",
    "kube-system",
    "",
    "Boutique",
    "boutique ",
    "boutique\n",
    "default,boutique",
    None,
    7,
    True,
    ["boutique"],
    {"name": "boutique"},
    "*",
)
TEXTS: tuple[JsonValue, ...] = ("cart-1", "cart-1", "x", "", 'a"b', None, 3, False, [], {"a": 1})
GROUPS: tuple[JsonValue, ...] = (
    *["/boutique/cart"] * 5,
    *["/shop"] * 3,
    "/boutique",
    "/boutique/*",
    "/shop/cart",
    "/payments/cart",
    "/boutique/cloudtrail",
    "/boutique/CloudTrail",
    "*",
    "",
    None,
    1,
)
PATHS: tuple[JsonValue, ...] = (
    "src/a.py",
    "src/a.py",
    "a/../b",
    "..",
    "../x",
    "x/..",
    "a..b",
    "/etc",
    "/",
    "a%2e",
    "a\\b",
    None,
    1,
)
WHOLE: tuple[JsonValue, ...] = (
    1,
    200,
    5000,
    1440,
    0,
    -1,
    5001,
    2**63 - 1,
    2**63,
    2**70,
    1.0,
    1.5,
    "1",
    True,
    None,
)
KINDS: tuple[JsonValue, ...] = ("Deployment", "StatefulSet", "Secret", "", None, 1)
FLAGS: tuple[JsonValue, ...] = (True, False, 1, "true", None)
Check = tuple[bool, tuple[JsonValue, ...], object]


def is_text(value: JsonValue) -> bool:
    return isinstance(value, str)


def within(low: int, high: int) -> object:
    def check(value: JsonValue) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return value == int(value) and low <= value <= high

    return check


# argument: is it required, from what is it drawn, what does it take
ARGUMENTS: dict[str, dict[str, Check]] = {
    "read_result": {
        "call_id": (True, TEXTS, is_text),
        "pattern": (False, TEXTS, lambda value: is_text(value) and value != ""),
        "path": (False, TEXTS, lambda value: is_text(value) and value != ""),
    },
    "kubernetes__list_pods": {"namespace": (True, NAMESPACES, is_text)},
    "kubernetes__get_logs": {
        "namespace": (True, NAMESPACES, is_text),
        "pod": (True, TEXTS, is_text),
        "container": (False, TEXTS, lambda value: value is None or is_text(value)),
        "tail_lines": (False, WHOLE, within(1, 5000)),
        "previous": (False, FLAGS, lambda value: isinstance(value, bool)),
    },
    "kubernetes__describe_workload": {
        "namespace": (True, NAMESPACES, is_text),
        "kind": (True, KINDS, lambda value: value in ("Deployment", "StatefulSet")),
        "name": (True, TEXTS, is_text),
    },
    "kubernetes__list_events": {
        "namespace": (False, NAMESPACES, lambda value: value is None or is_text(value))
    },
    "github__get_file_contents": {
        "path": (True, PATHS, is_text),
        "ref": (False, TEXTS, lambda value: value is None or is_text(value)),
    },
    "github__search_code": {"query": (True, TEXTS, lambda value: is_text(value) and value != "")},
    "cloudwatch__search_logs": {
        "log_group": (True, GROUPS, is_text),
        "minutes": (False, WHOLE, within(1, 1440)),
    },
    "cloudwatch__describe_alarm": {"name": (True, TEXTS, is_text)},
    "kubernetes__delete_pod": {"namespace": (True, NAMESPACES, is_text)},
    "github__push": {},
}
READABLE = ("boutique", "shop")
NOT_THERE = ("kubernetes__delete_pod", "github__push")


def drawn_call(draw: random.Random) -> tuple[str, dict[str, JsonValue]]:
    tool = draw.choice(list(ARGUMENTS))
    arguments = {
        name: draw.choice(values)
        for name, (required, values, _) in ARGUMENTS[tool].items()
        if draw.random() < (0.95 if required else 0.4)
    }
    if draw.random() < 0.08:
        arguments[draw.choice(["all_namespaces", "context", "__entity", "Namespace"])] = True
    return tool, arguments


def drawn_facts(draw: random.Random) -> Facts:
    return Facts(
        calls_used=draw.choice([0, 3, 20, 39, 39, 40, 41]),
        calls_allowed=draw.choice([40, 40, 40, 40, 0]),
        seconds_left=draw.choice([240, 240, 60, 1, 0, -5]),
        repeated=draw.random() < 0.1,
    )


def permitted(tool: str, given: Mapping[str, JsonValue], facts: Facts) -> bool:
    """What the shipped policy is for, said once more and otherwise."""
    if tool in NOT_THERE or facts.calls_used >= facts.calls_allowed or facts.seconds_left <= 0:
        return False
    wanted = ARGUMENTS[tool]
    if set(given) - set(wanted):
        return False
    for name, (required, _, takes) in wanted.items():
        assert callable(takes)
        if (name in given and not takes(given[name])) or (required and name not in given):
            return False
    if tool.startswith("kubernetes__"):
        return given.get("namespace") in READABLE
    path = str(given.get("path", ""))
    if tool.startswith("github__"):
        odd = "%" in path or "\\" in path or ".." in path.split("/")
        return not odd and (path == "/" or not path.startswith("/"))
    return tool != "cloudwatch__search_logs" or given["log_group"] in ("/boutique/cart", "/shop")


def test_gate_and_oracle_decide_alike(lane: Lane, figures: Figures) -> None:
    gate, check = shipped(), StrictSchema()
    offer = catalogue_of(TOOLS, gate, check=check)
    draw = lane.random("calls for the oracle")
    wrong, allowed = [], 0
    for _ in range(CALLS):
        (tool, arguments), facts = drawn_call(draw), drawn_facts(draw)
        call = ToolCallRequested(
            investigation_id=InvestigationId("inc-1"),
            tool_call_id=ToolCallId("1-1"),
            turn=1,
            tool=tool,
            arguments=arguments,
        )
        judged = judge(call, offer, gate=gate, check=check, facts=facts)
        expected = permitted(tool, arguments, facts)
        allowed += expected
        if expected == judged.decision.refuses:
            wrong.append((tool, arguments, facts, judged.decision))
    figures.add("T10", "generated calls that gate and oracle decide otherwise", len(wrong), 0)
    figures.add("T10", f"of {CALLS} generated calls are permitted", allowed)
    assert wrong == []
    assert CALLS / 20 < allowed < CALLS / 2
