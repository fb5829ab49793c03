"""docs/policy.md: its rules validate, and its cases go as it says."""

import re
from pathlib import Path

import pytest
from pydantic import JsonValue

from cli.policy.cases import failures, load_cases
from cli.policy.trial import Trial
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import catalogue_of
from services.toolrunner.policy import Facts
from services.toolrunner.policy_resource import KINDS
from services.toolrunner.policy_schema import FACTS
from services.toolrunner.ports import Tool
from tests.docs.pages import ROOT, Page
from tests.toolrunner.policies import TOOLS

PAGE = Page(ROOT / "docs" / "policy.md").text
NS: dict[str, JsonValue] = {"type": "object", "properties": {"ns": {"type": "string"}}}
FOREIGN = (
    Tool("shelf__count", "", {"type": "object", "properties": {}}),
    Tool("cluster2__pods", "", NS, read_only=True),
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settings, cases = blocks("yaml")
    (tmp_path / "page.cedar").write_text("\n".join(blocks("cedar")), encoding="utf-8")
    (tmp_path / "settings.yaml").write_text(settings, encoding="utf-8")
    (tmp_path / "cases.yaml").write_text(cases, encoding="utf-8")
    return tmp_path


def test_every_example_is_decided_as_the_page_says(folder: Path) -> None:
    cases = load_cases(str(folder / "cases.yaml"))
    tools = (*TOOLS, *FOREIGN)
    gate = LivePolicy(str(folder), cases.scope, tools=tools)
    offer = catalogue_of(tools, gate, check=StrictSchema())
    trial = Trial(gate, offer, {tool.name: tool for tool in tools})
    assert gate.cedar.asleep == ()
    assert list(failures(cases, trial)) == []
    tried = {
        rule
        for case in cases.calls
        for rule in trial.judged(case.tool, case.arguments, facts=case.facts).decision.rules
    }
    assert tried == {rule.id for rule in gate.cedar.rules.values()} - {"results-read"}


def test_every_fact_and_type_has_a_row() -> None:
    cells = " ".join(re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE))
    named = set(re.findall(r"`(\w+)`", cells))
    assert set(FACTS.attributes) <= named
    assert {*KINDS, "Server"} <= named
    assert {*Facts.__dataclass_fields__} <= named
