"""A model of one's own behind `ANTHROPIC_BASE_URL`: no cache, no thinking, no strict tools."""

from pathlib import Path

import pytest

from services.reasoner.adapters.capabilities import MARK, body_for, unmarked
from services.reasoner.settings import Settings
from simulator.model import build_plain_model
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.reasoner.asking import question
from tests.reasoner.conftest import MakeLoop
from tests.reasoner.model_desk import KEY
from tests.reasoner.test_scripted_model import answers

MODEL = "qwen3-coder:30b"


async def test_a_server_without_cache_and_thinking_is_asked_without_them_and_diagnoses(
    make_loop: MakeLoop, tmp_path: Path
) -> None:
    scenario, log = load_scenario("cart-loafers"), RequestLog(tmp_path / "requests.jsonl")
    names = {call.tool for turn in scenario.script.turns for call in turn.calls}
    loop = await make_loop(
        app=build_plain_model(scenario, log, api_key=KEY),
        tools=tuple(sorted(names)),
        model=MODEL,
        thinking=False,
        caching=False,
    )
    loop.answers.update(answers(scenario))
    await loop.open()
    record = await loop.ended()
    assert {line["status"] for line in log.read("model")} == {200}
    assert record.outcome == "diagnosed"
    assert record.diagnosis is not None
    assert all(item.verified for item in record.diagnosis.evidence)
    assert record.diagnosis.model == f"scripted:{MODEL}"
    assert record.spend.cache_read_tokens + record.spend.cache_write_tokens == 0
    assert record.spend.cost_usd is None


@pytest.mark.parametrize(
    ("settings", "refused"),
    [({"caching": False}, "thinking: "), ({"thinking": False}, "tools.1.cache_control: ")],
)
async def test_what_such_a_server_lacks_ends_in_a_sentence_that_names_it(
    make_loop: MakeLoop, tmp_path: Path, settings: dict[str, bool], refused: str
) -> None:
    log = RequestLog(tmp_path / "requests.jsonl")
    app = build_plain_model(load_scenario("cart-loafers"), log, api_key=KEY)
    loop = await make_loop(app=app, model=MODEL, **settings)
    await loop.open()
    record = await loop.ended()
    assert record.outcome == "failed"
    assert f"{refused}Extra inputs are not permitted" in record.reason


def test_without_caching_no_mark_is_left_and_nothing_else_is_changed() -> None:
    marked, plain = (body_for(question(), Settings(caching=caching)) for caching in (True, False))
    assert MARK in str(marked)
    assert MARK not in str(plain)
    assert unmarked(marked) == plain


def test_arguments_that_are_named_like_a_mark_are_kept() -> None:
    used = {"type": "tool_use", "id": "tu_1", "name": "a", "input": {MARK: "no-store"}}
    body = {"tools": [], "system": [], "messages": [{"role": "assistant", "content": [used]}]}
    assert unmarked(body) == body


@pytest.mark.parametrize(("concludes", "forces"), [(True, True), (False, False)])
def test_a_forced_conclusion_goes_without_thinking(*, concludes: bool, forces: bool) -> None:
    asked = question()
    asked = type(asked)(**{**vars(asked), "concludes": concludes})
    body = body_for(asked, Settings(force_conclusion=True))
    assert ("thinking" in body) is not forces
    assert (body["tool_choice"]["type"] == "tool") is forces
