"""`nightshift policy`: what it says and how it exits."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from services.toolrunner.settings import LOCK, SHIPPED_POLICIES
from tests.toolrunner.policies import write_policy

pytestmark = pytest.mark.timeout(90)
UNSET = (
    "NIGHTSHIFT_POLICY_DIR",
    "NIGHTSHIFT_NAMESPACES",
    "NIGHTSHIFT_REPOSITORY",
    "NIGHTSHIFT_LOG_GROUPS",
    "NIGHTSHIFT_MCP_SERVERS",
    "NIGHTSHIFT_TOOLS_LOCK",
    "NIGHTSHIFT_MAX_TOOL_CALLS",
)
SEARCH = {
    "name": "github__search_code",
    "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}},
    "read_only": True,
}
TOOLS = [
    {
        "name": "shop__read",
        "description": "Read.",
        "input_schema": {"type": "object", "properties": {"topic": {"type": "string"}}},
        "read_only": True,
    }
]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    output: str
    errors: str


def run(*arguments: str, **variables: str) -> Ended:
    """The command in this process, because most of the time of one of its own goes on imports."""
    unset = dict.fromkeys(UNSET, None)
    end = CliRunner(env={**unset, "COLUMNS": "200", **variables}).invoke(
        app, ["policy", *arguments]
    )
    assert end.exception is None or isinstance(end.exception, SystemExit), end.exception
    return Ended(end.exit_code, end.stdout, end.stderr)


@pytest.fixture
def tools(tmp_path: Path) -> str:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps(TOOLS), encoding="utf-8")
    return str(file)


def test_the_shipped_policy_is_sound_and_permits_every_tool_of_ours() -> None:
    end = run("check")
    assert (end.code, end.errors) == (0, "")
    assert "kubernetes.cedar: permit kubernetes-read: " in end.output
    assert "not offered" not in end.output
    assert end.output.splitlines()[-1].endswith("mode enforce: sound")


def test_the_cases_of_the_shipped_policy_go_as_expected() -> None:
    end = run("test", str(SHIPPED_POLICIES / "cases.yaml"))
    assert (end.code, end.errors) == (0, "")


def test_every_problem_of_a_folder_is_a_line_and_exits_one(tmp_path: Path, tools: str) -> None:
    (tmp_path / "a.cedar").write_text("permit (principal, action, resource);", encoding="utf-8")
    end = run("check", str(tmp_path), "--tools", tools)
    assert end.code == 1
    lines = end.errors.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("nightshift policy: ") for line in lines)


@pytest.mark.parametrize(
    "name", ["deny-boutique", "deny.Cedar", "deny.cedar.yaml", "stop", "STOP.txt", "settings.yml"]
)
def test_a_file_that_is_not_read_for_its_name_is_told(
    name: str, tmp_path: Path, tools: str
) -> None:
    write_policy(tmp_path, "shop__read")
    for other in ("README.md", "cases.yaml", ".hidden", "tools.lock.json"):
        (tmp_path / other).touch()
    given = ("check", str(tmp_path), "--tools", tools)
    assert run(*given).code == 0
    (tmp_path / name).touch()
    end = run(*given)
    assert (end.code, end.errors.endswith(f"STOP count): {name}\n")) == (1, True)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("NIGHTSHIFT_NAMESPACES", "boutique;payments", "must be names of namespaces separated by"),
        ("NIGHTSHIFT_NAMESPACES", "Boutique", "must be names of namespaces separated by"),
        ("NIGHTSHIFT_REPOSITORY", "https://github.com/o/r", "must be a repository as owner/name"),
        ("NIGHTSHIFT_LOG_GROUPS", "/a b", "must be log groups separated by commas"),
    ],
)
def test_the_check_refuses_settings_that_the_start_would(
    variable: str, value: str, said: str
) -> None:
    end = run("check", **{variable: value})
    assert (end.code, f"{variable} {said}" in end.errors) == (1, True)


def test_a_permit_that_names_its_resource_by_a_fact_alone_is_found_by_what_is_configured(
    tmp_path: Path,
) -> None:
    rule = (
        '@id("wide") @reason("r") permit (principal, action in Action::"kubernetes:read", '
        'resource is Namespace) when { context.facts.namespaces.contains("boutique") };'
    )
    (tmp_path / "wide.cedar").write_text(rule, encoding="utf-8")
    shutil.copy(SHIPPED_POLICIES / LOCK, tmp_path)
    assert run("check", str(tmp_path), NIGHTSHIFT_NAMESPACES="boutique").code == 1


def test_a_forbid_about_an_unknown_server_exits_one_unless_it_is_allowed(
    tmp_path: Path, tools: str
) -> None:
    write_policy(tmp_path, "shop__read")
    rule = '@id("far") @reason("r") forbid (principal, action in Action::"far:read", resource);'
    (tmp_path / "far.cedar").write_text(rule, encoding="utf-8")
    end = run("check", str(tmp_path), "--tools", tools)
    assert end.code == 1
    assert "forbids `far:read`, of which no tool is known" in end.errors
    assert "--allow-unknown" in end.errors
    assert run("check", str(tmp_path), "--tools", tools, "--allow-unknown").code == 0


def test_explain_says_resource_decision_and_rule_and_exits_three_for_a_denial(
    tmp_path: Path, tools: str
) -> None:
    write_policy(tmp_path, "shop__read")
    given = ("--dir", str(tmp_path), "--tools", tools)
    end = run("explain", "shop__read", '{"topic": "tea"}', *given)
    assert end.code == 0
    assert "resource  server `shop`" in end.output
    assert (
        "rule      permit named in named.cedar: Tools that are named may be called." in end.output
    )
    end = run("explain", "shop__read", '{"tea": 1}', *given)
    assert end.code == 3
    assert "Additional properties are not allowed ('tea' was unexpected)" in end.output
    end = run("explain", "shop__read", "tea", *given)
    assert end.code == 2


def test_a_case_that_goes_otherwise_is_a_line_and_exits_one(tmp_path: Path, tools: str) -> None:
    write_policy(tmp_path, "shop__read")
    (tmp_path / "cases.yaml").write_text(
        "calls:\n- {tool: shop__read, expect: allow, rule: named}\n"
        "- {tool: shop__read, expect: deny}\n- {tool: shop__sell, expect: allow}\n"
        "- {tool: shop__sell, expect: deny}\n"
        "- {tool: shop__read, arguments: {a: 1}, expect: deny}\n"
        "- {tool: shop__sell, expect: deny, says: there is no tool}\n",
        encoding="utf-8",
    )
    given = ("--dir", str(tmp_path), "--tools", tools)
    end = run("test", str(tmp_path / "cases.yaml"), *given)
    assert end.code == 1
    assert end.output == "2 of 6 calls were decided as expected\n"
    first, second, misspelt, unfit = end.errors.splitlines()
    assert first.startswith("call 2, shop__read: allow by named (")
    assert second.startswith("call 3, shop__sell: deny by no rule (there is no tool")
    assert misspelt.startswith("call 4, shop__sell: there is no tool")
    assert "do not fit the tool's schema" in unfit
    assert misspelt.endswith(said := "; if that is meant, `says` tells it")
    assert unfit.endswith(said)


def test_the_schema_is_json_with_an_action_for_each_tool(tmp_path: Path, tools: str) -> None:
    write_policy(tmp_path, "shop__read")
    end = run("schema", "--dir", str(tmp_path), "--tools", tools)
    assert end.code == 0
    assert {"shop__read", "read_result"} <= set(json.loads(end.output)[""]["actions"])


def test_with_servers_of_a_file_a_github_tool_is_judged_as_the_toolrunner_does(
    tmp_path: Path,
) -> None:
    """Seen: `explain` said `would be made`, and the toolrunner denied the call."""
    (tmp_path / "tools.json").write_text(json.dumps([SEARCH]), encoding="utf-8")
    given = (
        "explain",
        "github__search_code",
        '{"query": "x"}',
        "--tools",
        f"{tmp_path}/tools.json",
    )
    assert run(*given, NIGHTSHIFT_REPOSITORY="Example/shop").code == 0
    foreign = {"NIGHTSHIFT_MCP_SERVERS": "mcp.json", "NIGHTSHIFT_REPOSITORY": "Example/shop"}
    end = run(*given, **foreign)
    assert end.code == 3
    assert "github__search_code: not offered" in end.output


def test_without_a_lock_the_check_says_what_the_toolrunner_would(tmp_path: Path) -> None:
    write_policy(tmp_path, "kubernetes__list_pods")
    end = run("check", str(tmp_path))
    assert (end.code, end.output) == (1, "")
    assert "so no tool has been reviewed" in end.errors
    end = run("check", NIGHTSHIFT_TOOLS_LOCK=f"{tmp_path}/none.json")
    assert end.code == 1
    assert "there is no " in end.errors


def test_a_stop_in_the_folder_is_told_by_the_check(tmp_path: Path, tools: str) -> None:
    write_policy(tmp_path, "shop__read")
    (tmp_path / "STOP").write_text("ask Ada", encoding="utf-8")
    end = run("check", str(tmp_path), "--tools", tools)
    assert end.code == 0
    assert "nothing would be called: all tool calls are stopped by the operator: ask Ada" in (
        end.errors
    )


def test_explain_takes_the_limit_of_calls_from_the_environment(tmp_path: Path, tools: str) -> None:
    write_policy(tmp_path, "shop__read")
    given = ("explain", "shop__read", "--dir", str(tmp_path), "--tools", tools)
    assert run(*given, NIGHTSHIFT_MAX_TOOL_CALLS="1").code == 0
    end = run(*given, NIGHTSHIFT_MAX_TOOL_CALLS="0")
    assert end.code == 3
    assert "has had its 0 tool calls" in end.output
    assert (
        "NIGHTSHIFT_MAX_TOOL_CALLS Input should be a valid integer"
        in run(*given, NIGHTSHIFT_MAX_TOOL_CALLS="many").errors
    )
    assert "as the first of its investigation" in " ".join(run("explain", "--help").output.split())


@pytest.mark.parametrize(("depth", "code"), [(500, 3), (100_000, 2)])
def test_arguments_of_any_depth_are_refused_without_a_traceback(
    depth: int, code: int, tmp_path: Path, tools: str
) -> None:
    write_policy(tmp_path, "shop__read")
    deep = '{"topic":' + "[" * depth + "]" * depth + "}"
    end = run("explain", "shop__read", deep, "--dir", str(tmp_path), "--tools", tools)
    assert end.code == code
    assert "nested more than 32 deep" in end.output or "are not JSON" in end.errors


@pytest.mark.parametrize("content", ["[" * 100_000, "{", '[{"name": 1}]', "\xff"])
def test_a_file_of_tools_that_is_wrong_is_a_sentence(content: str, tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(content, encoding="latin-1")
    end = run("check", "--tools", str(file))
    assert end.code == 1
    assert str(file) in end.errors


@pytest.mark.parametrize(
    "content", ["calls: 2026-13-45", "calls: " + "[" * 3_000, "a: !!int x", "\xff", ""]
)
def test_a_file_of_cases_that_is_wrong_is_a_sentence(content: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.yaml"
    file.write_text(content, encoding="latin-1")
    end = run("test", str(file))
    assert end.code == 1
    assert str(file) in end.errors


def test_in_log_only_the_cases_say_that_denied_calls_would_be_made(
    tmp_path: Path, tools: str
) -> None:
    write_policy(tmp_path, "shop__read")
    with (tmp_path / "settings.yaml").open("a") as settings:
        settings.write("mode: log_only\n")
    (tmp_path / "no.cedar").write_text(
        '@id("no") @reason("Tea alone.") forbid (principal, action, resource)'
        ' when { resource.name == "shop" };'
    )
    cases = tmp_path / "cases.yaml"
    cases.write_text("calls:\n- {tool: shop__read, expect: deny}\n", encoding="utf-8")
    end = run("test", str(cases), "--dir", str(tmp_path), "--tools", tools)
    assert end.code == 0
    assert end.output.splitlines()[-1] == (
        "mode log_only: 1 of the denied calls would be made all the same"
    )
