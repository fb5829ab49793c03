"""The page about results shows what is really shown."""

from datetime import UTC, datetime

import pytest

from services.toolrunner.condense import VIEW_CHARACTERS, WHOLE
from services.toolrunner.tool_call import answered
from simulator.logs import write_log
from simulator.scenario import load_scenario
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "results.md")


def test_the_example_is_what_the_model_is_shown() -> None:
    setup = load_scenario("recommendation-sample").cluster.logs["recommendationservice"]
    text = "\n".join(write_log(setup, datetime(2026, 3, 1, 10, tzinfo=UTC)))
    view = answered("kubernetes__get_logs", text, shown_characters=32_000, repeated=False).shown
    assert PAGE.blocks == [view + "\n"]
    assert f"{setup.lines} lines, {len(text):,} characters." in PAGE.text


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if kind != "json"])
def test_the_table_has_the_limits_of_each_kind(kind: str) -> None:
    (row,) = [line for line in PAGE.text.split("\n") if line.startswith(f"| {kind} |")]
    assert f"{WHOLE[kind]:,}" in row
    assert f"at most {VIEW_CHARACTERS:,} characters" in PAGE.text
