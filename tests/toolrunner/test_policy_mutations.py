"""Every field of every request, removed, null, of a wrong type or extreme: never allowed in error.

An erroring `forbid` is skipped by Cedar, so that the call is allowed beside an error. The policy of
these tests has such rules on purpose, or nothing could be seen to be refused for its errors.
"""

import copy
from collections.abc import Iterator
from pathlib import Path

import cedarpy
import pytest
from pydantic import JsonValue

from services.toolrunner.adapters.cedar import CedarPolicy
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.policy_schema import Request, request_of
from services.toolrunner.settings import SHIPPED_POLICIES
from tests.lane import Figures
from tests.toolrunner.policies import FACTS, SCOPE, TOOLS

OVERFLOWS = """
@id("overflows") @reason("It adds up what may not fit.")
forbid (principal, action, resource)
when { context.facts.calls_used + context.facts.seconds_left + 1 > 1000000 };
@id("overflows-in-arguments") @reason("It multiplies what may not fit.")
forbid (principal, action in Action::"kubernetes:read", resource)
when { context.input has tail_lines && context.input.tail_lines * 3 > 100000 };
"""
ARGUMENTS: dict[str, dict[str, JsonValue]] = {
    "read_result": {"call_id": "1-1", "lines": "2", "pattern": "x"},
    "kubernetes__list_pods": {"namespace": "boutique"},
    "kubernetes__get_logs": {
        "namespace": "boutique",
        "pod": "cart-1",
        "container": "server",
        "tail_lines": 200,
        "previous": True,
    },
    "kubernetes__describe_workload": {"namespace": "shop", "kind": "Deployment", "name": "cart"},
    "kubernetes__list_events": {"namespace": "boutique"},
    "github__get_file_contents": {"path": "src/a.py", "ref": "main"},
    "github__search_code": {"query": "x"},
    "cloudwatch__search_logs": {"log_group": "/boutique/cart", "minutes": 30},
    "cloudwatch__describe_alarm": {"name": "checkout"},
}
WRONG: tuple[JsonValue, ...] = (
    None,
    True,
    7,
    1.5,
    "7",
    [],
    ["x"],
    {},
    {"x": 1},
    {"__entity": {"type": "Namespace", "id": "boutique"}},
    {"__extn": {"fn": "decimal", "arg": "1.0"}},
)
EXTREME: tuple[JsonValue, ...] = (
    2**63 - 1,
    -(2**63),
    2**63,
    2**70,
    -1,
    0,
    "",
    "x" * 16_000,
    "\x00",
    "\u202e",
    '"); permit(',
)


@pytest.fixture
def policy(tmp_path: Path) -> CedarPolicy:
    for file in SHIPPED_POLICIES.glob("*.*"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "overflows.cedar").write_text(OVERFLOWS, encoding="utf-8")
    gate = LivePolicy(str(tmp_path), SCOPE, tools=TOOLS)
    return gate.cedar


def question(policy: CedarPolicy, tool: str) -> Request:
    arguments = ARGUMENTS[tool]
    return request_of(
        policy.actions[tool],
        arguments,
        resource=policy.resource(tool, arguments),
        facts=FACTS,
        scope=SCOPE,
    )


def fields(value: JsonValue, *path: str) -> Iterator[tuple[str, ...]]:
    """The path of every field inside, at any depth."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield (*path, name)
        yield from fields(inner, *path, name)


def within(request: Request, path: tuple[str, ...]) -> dict[str, JsonValue]:
    """The record that holds the field of that path."""
    inside = request.question["context"]
    for name in path[:-1]:
        assert isinstance(inside, dict)
        inside = inside[name]
    assert isinstance(inside, dict)
    return inside


def removed(request: Request, path: tuple[str, ...]) -> Request:
    request = copy.deepcopy(request)
    del within(request, path)[path[-1]]
    return request


def mutated(request: Request, path: tuple[str, ...], value: JsonValue) -> Request:
    request = copy.deepcopy(request)
    within(request, path)[path[-1]] = value
    return request


def mutations(request: Request, path: tuple[str, ...]) -> Iterator[Request]:
    yield removed(request, path)
    yield from (mutated(request, path, value) for value in (*WRONG, *EXTREME))


def test_no_mutation_of_any_field_is_allowed_with_an_error(
    policy: CedarPolicy, figures: Figures
) -> None:
    assert set(ARGUMENTS) == set(policy.actions)
    tried, skipped, wrong = 0, 0, []
    for tool in ARGUMENTS:
        request = question(policy, tool)
        assert policy.evaluate(request).allowed, tool
        for path in fields(request.question["context"]):
            for changed in mutations(request, path):
                tried += 1
                raw = cedarpy.is_authorized(
                    changed.question, policy.policies, changed.entities, policy.schema
                )
                if raw.allowed and raw.diagnostics.errors:
                    skipped += 1
                    wrong += [changed.question] if policy.evaluate(changed).allowed else []
    figures.add("T10", "mutated requests to Cedar", tried)
    figures.add("T10", "mutated requests allowed with an error", len(wrong), 0)
    assert wrong == []
    assert skipped, "no mutation makes Cedar itself allow beside an error: nothing is proved"


def test_what_is_removed_null_or_of_another_type_is_never_allowed(policy: CedarPolicy) -> None:
    wrong = []
    for tool in ARGUMENTS:
        request, required = question(policy, tool), policy.actions[tool].input.required
        for path in fields(request.question["context"]):
            stands = within(request, path)[path[-1]]
            others = [value for value in WRONG if type(value) is not type(stands)]
            changed = [mutated(request, path, value) for value in others]
            if path[0] == "facts" or len(path) == 1 or path[-1] in required:
                changed.append(removed(request, path))
            wrong += [one.question for one in changed if policy.evaluate(one).allowed]
    assert wrong == []


def test_nothing_is_allowed_for_another_agent_tool_or_resource_type(policy: CedarPolicy) -> None:
    for tool in ARGUMENTS:
        for part, uid in (
            ("principal", {"type": "Agent", "id": "remediator"}),
            ("principal", {"type": "Role", "id": "diagnoser"}),
            ("action", {"type": "Action", "id": "read"}),
            ("action", {"type": "Action", "id": "kubernetes:read"}),
            ("action", {"type": "Action", "id": f"{tool}x"}),
            ("resource", {"type": "Agent", "id": "diagnoser"}),
        ):
            changed = copy.deepcopy(question(policy, tool))
            changed.question[part] = dict(uid)
            assert not policy.evaluate(changed).allowed, (tool, part, uid)
