"""`nightshift policy`: what it says and how it exits."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from services.toolrunner.settings import SHIPPED_POLICIES
from tests.toolrunner.policies import write_policy

pytestmark = pytest.mark.timeout(90)
UNSET = ("NIGHTSHIFT_POLICY_DIR", "NIGHTSHIFT_NAMESPACES", "NIGHTSHIFT_REPOSITORY")
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


def run(*arguments: str) -> Ended:
    """The command in this process, because most of the time of one of its own goes on imports."""
    unset = dict.fromkeys(UNSET, None)
    end = CliRunner(env={**unset, "COLUMNS": "200"}).invoke(app, ["policy", *arguments])
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
        "- {tool: shop__read, expect: deny}\n- {tool: shop__sell, expect: allow}\n",
        encoding="utf-8",
    )
    given = ("--dir", str(tmp_path), "--tools", tools)
    end = run("test", str(tmp_path / "cases.yaml"), *given)
    assert end.code == 1
    assert end.output == "1 of 3 calls were decided as expected\n"
    first, second = end.errors.splitlines()
    assert first.startswith("call 2, shop__read: allow by named (")
    assert second.startswith("call 3, shop__sell: deny by no rule (there is no tool")


def test_the_schema_is_json_with_an_action_for_each_tool(tmp_path: Path, tools: str) -> None:
    write_policy(tmp_path, "shop__read")
    end = run("schema", "--dir", str(tmp_path), "--tools", tools)
    assert end.code == 0
    assert {"shop__read", "read_result"} <= set(json.loads(end.output)[""]["actions"])
