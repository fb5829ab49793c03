"""docs/evaluation.md has every field of `eval --json`, docs/simulator.md every control request."""

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from cli.evaluation.baseline import Change, Comparison
from cli.evaluation.expectation import Expectation
from cli.evaluation.outcome import Evaluation, Unread
from cli.evaluation.scorecard import Card, Scored, Share
from cli.evaluation.scoring import Answer, Score
from simulator.control import build_control
from simulator.faults import Faults
from simulator.otlp.spans import SpanStore
from simulator.request_log import RequestLog
from simulator.slack.store import SlackStandIn
from tests.docs.pages import ROOT, Page

EVALUATION = Page(ROOT / "docs" / "evaluation.md").text
SIMULATOR = Page(ROOT / "docs" / "simulator.md").text
TABLES: dict[str, set[str]] = {
    "the object": set(Evaluation(seed=1, scripted=True, scored=()).described()),
    "a card": set(Card.model_fields),
    "an incident": set(Scored.model_fields) - {"steps"},
    "a comparison": set(Comparison.model_fields) | {"worse"},
}
WITHIN: dict[str, type[Expectation | Answer | Score | Share | Change | Unread]] = {
    "expected": Expectation,
    "answer": Answer,
    "score": Score,
    "right": Share,
    "changes": Change,
    "unread": Unread,
}


@pytest.mark.parametrize("of", TABLES)
def test_every_field_of_the_json_of_an_evaluation_has_a_row(of: str) -> None:
    table = EVALUATION.partition(f"| field of {of} |")[2].partition("\n\n")[0]
    first_cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(first_cells))) == TABLES[of]


@pytest.mark.parametrize("field", WITHIN)
def test_every_field_within_a_field_is_named_in_its_row(field: str) -> None:
    (row,) = re.findall(rf"^\| `{field}`.*$", EVALUATION, re.MULTILINE)
    assert set(WITHIN[field].model_fields) <= set(re.findall(r"`(\w+)`", row))


class Silent:
    """An alarm that nobody fires."""

    def fire_alarm(self, form: str = "sns") -> str:
        return form

    def recover_alarm(self, form: str = "sns") -> str:
        return form

    def publish_alarm_body(self, body: str) -> str:
        return body


def test_every_request_that_the_control_address_takes_has_a_row(tmp_path: Path) -> None:
    log, slack = RequestLog(tmp_path / "log.jsonl"), SlackStandIn({})
    app = build_control(log, alarms=Silent(), slack=slack, spans=SpanStore(), faults=Faults())
    paths = {route.path for route in app.routes if isinstance(route, Route)}
    rows = set(re.findall(r"^\| `(?:GET|POST|DELETE) ([^`]+)`", SIMULATOR, re.MULTILINE))
    assert paths == rows
