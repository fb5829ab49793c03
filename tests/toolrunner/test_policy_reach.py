"""Rules that would apply to everything, or never, are refused."""

from pathlib import Path

import pytest

from bus.errors import NotConfigured
from services.toolrunner.policy_names import like
from services.toolrunner.policy_probes import probes
from services.toolrunner.policy_resource import known_rules
from tests.toolrunner.policies import SCOPE, TOOLS, shipped
from tests.toolrunner.test_policy_rules import NOTES, PODS, SPACE, put

ANY = 'action in Action::"kubernetes:read", resource is Namespace'
DESCRIBE = 'action == Action::"kubernetes__describe_workload", resource'


@pytest.mark.parametrize(
    ("head", "condition"),
    [
        (ANY, "context.facts.pinned"),
        (ANY, "context.facts.calls_used >= 0"),
        (ANY, "context.facts.calls_used > 20"),
        (ANY, 'resource.name like "**"'),
        (ANY, 'resource.name like "*-*"'),
        (ANY, "resource.configured || !resource.configured"),
        (ANY, 'resource.name != "zzzz"'),
        (f"{PODS}, resource", "context.input.namespace == resource.name"),
        (f"{PODS}, resource", '!(context.input.namespace like "kube-*")'),
        (DESCRIBE, '["Deployment", "StatefulSet"].contains(context.input.kind)'),
        (DESCRIBE, 'context.input.kind == "StatefulSet"'),
        (
            'action == Action::"kubernetes__get_logs", resource',
            "context.input has tail_lines && context.input.tail_lines < 100",
        ),
        ('action == Action::"kubernetes__list_events", resource is Server', "context.facts.pinned"),
        ('action in Action::"github:read", resource is Repository', 'resource.name like "*/*"'),
        ('action in Action::"cloudwatch:read", resource is LogGroup', 'resource.name like "/*"'),
    ],
)
def test_a_permit_that_allows_what_nobody_configured_is_refused(
    head: str, condition: str, tmp_path: Path
) -> None:
    with pytest.raises(NotConfigured, match="that nobody configured: ") as refused:
        put(tmp_path, f"{NOTES} permit (principal, {head}) when {{ {condition} }};")
    assert "own.cedar: rule `r` permits " in str(refused.value)
    assert "resource == " in str(refused.value)


@pytest.mark.parametrize(
    ("head", "condition"),
    [
        (ANY, 'resource.name like "team-*" && context.facts.calls_used < 20'),
        (DESCRIBE, 'context.input.name == "cart"'),
        (
            'action in Action::"cloudwatch:read", resource is Server',
            'resource.name == "cloudwatch"',
        ),
        (
            'action == Action::"kubernetes__list_events", resource',
            'context.input has namespace && context.input.namespace == "boutique"',
        ),
    ],
)
def test_a_permit_that_asks_for_a_name_or_a_text_is_taken(
    head: str, condition: str, tmp_path: Path
) -> None:
    put(tmp_path, f"{NOTES} permit (principal, {head}) when {{ {condition} }};")


def test_every_call_that_a_permit_is_tried_with_fits_the_schema() -> None:
    """One that does not would be an error, which is no permission, and so prove nothing."""
    cedar = shipped().cedar
    for tool in TOOLS:
        action = cedar.actions[tool.name]
        rule = known_rules(foreign=False).get(action.server)
        for kind in action.resources:
            asked = list(probes(action, tool.input_schema, kind=kind, rule=rule, scope=SCOPE))
            assert asked
            assert [error for one in asked for error in cedar.evaluate(one).errors] == []


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ('principal == Agent::"diagnozer", action, resource', "the only agent is `diagnoser`"),
        ('principal in Role::"remediator", action, resource', "the only agent is `diagnoser`"),
        ("principal is Role, action, resource", "does not validate: "),
        ('principal, action, resource in Namespace::"*"', "which is that very name"),
        ('principal, action, resource == Repository::"Example/b"', "named in lower case"),
        (
            'principal, action == Action::"kubernets__get_logs", resource',
            "forbids `kubernets__get_logs`, of which no tool is known: `kubernetes` is",
        ),
        ('principal, action in Action::"kubernets:read", resource', "`kubernetes` is"),
        ('principal, action, resource == Server::"Shop"', "`shop` is"),
        (
            f'principal, action in [{PODS[10:]}, Action::"kubern\u0435tes__get_logs"], resource',
            "holds a letter that no tool's name has",
        ),
    ],
)
def test_a_forbid_that_would_never_apply_is_refused(head: str, reason: str, tmp_path: Path) -> None:
    """It forbids nothing, and nobody sees that."""
    with pytest.raises(NotConfigured) as refused:
        put(tmp_path, f"{NOTES} forbid ({head});")
    assert reason in str(refused.value)


def test_a_forbid_of_a_server_that_comes_later_is_taken_and_told(tmp_path: Path) -> None:
    gate = put(tmp_path, f'{NOTES} forbid (principal, action in Action::"far:read", resource);')
    assert [each.partition(",")[0] for each in gate.cedar.unknown] == [
        "own.cedar: rule `r` forbids `far:read`"
    ]
    assert shipped().cedar.unknown == ()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("kubernets", "kubernetes"),
        ("cluster-produktion", "cluster-production"),
        ("cluster1", ""),
        ("cluster-staging", ""),
        ("far", ""),
    ],
)
def test_a_misspelt_server_is_told_from_its_siblings(name: str, known: str) -> None:
    assert like(name, {"kubernetes", "cluster2", "cluster-production"}) == known


def test_resources_that_no_tool_of_the_server_takes_are_refused(tmp_path: Path) -> None:
    permit = f"{NOTES} permit (principal, {PODS}, {SPACE});"
    wrong = "no tool of `kubernetes` has the argument `namespc`"
    with pytest.raises(NotConfigured, match=wrong):
        put(tmp_path, permit, "resources: {kubernetes: {Namespace: namespc}}")
    gate = put(tmp_path, permit, "resources: {far: {Namespace: ns}}")
    assert gate.cedar.unknown == ("settings.yaml: resources: no tool of a server `far` is known",)
