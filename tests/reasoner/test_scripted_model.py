"""The reasoner against the scripted model of the simulator, which is strict like the real one."""

from pathlib import Path

import pytest

from simulator.faults import Fault, Faults
from simulator.model import build_model
from simulator.request_log import RequestLog
from simulator.scenario import Scenario, load_scenario
from tests.reasoner.conftest import MakeLoop
from tests.reasoner.model_desk import KEY


def answers(scenario: Scenario) -> dict[str, str]:
    """The scenario's placed log lines and its files, by the tool that shows them."""
    placed = [place.text for log in scenario.cluster.logs.values() for place in log.placed]
    return {
        "kubernetes__get_logs": "\n".join(placed),
        "github__get_file_contents": "\n".join(scenario.repository.files.values()),
    }


async def test_the_cart_incident_is_diagnosed_with_exact_evidence_and_a_warm_cache(
    make_loop: MakeLoop, tmp_path: Path
) -> None:
    scenario = load_scenario("cart-loafers")
    log = RequestLog(tmp_path / "requests.jsonl")
    names = {call.tool for turn in scenario.script.turns for call in turn.calls}
    app = build_model(scenario, log, api_key=KEY)
    loop = await make_loop(app=app, tools=tuple(sorted(names)))
    loop.answers.update(answers(scenario))
    await loop.open()
    record = await loop.ended()
    asked = log.read("model")
    assert [line["status"] for line in asked] == [200] * (len(scenario.script.turns) + 1), asked
    assert record.outcome == "diagnosed"
    assert record.diagnosis is not None
    evidence = record.diagnosis.evidence
    assert len(evidence) == len(scenario.script.diagnosis.evidence)
    assert all(item.verified for item in evidence)
    assert record.spend.cache_read_tokens > record.spend.input_tokens
    assert record.model.startswith("scripted")


async def test_a_month_whose_money_is_spent_ends_it_at_once_and_says_so(
    make_loop: MakeLoop, tmp_path: Path
) -> None:
    faults = Faults()
    faults.plan(Fault(stand_in="model", fault="spend_limit", times=0))
    log = RequestLog(tmp_path / "requests.jsonl")
    app = build_model(load_scenario("cart-loafers"), log, api_key=KEY, faults=faults)
    loop = await make_loop(app=app)
    await loop.open()
    record = await loop.ended()
    assert record.outcome == "failed"
    assert record.reason == (
        "the model API refused: 429 rate_limit_error: The monthly spend limit is reached"
    )
    assert len(log.read("model")) == 1


@pytest.mark.parametrize("name", ["blank", "silence", "thinking", "redacted_thinking"])
async def test_a_reply_that_may_not_be_sent_back_as_it_is_or_may_not_be_changed_is_taken_back(
    make_loop: MakeLoop, tmp_path: Path, name: str
) -> None:
    faults = Faults()
    faults.plan(Fault(stand_in="model", fault=name))
    scenario = load_scenario("cart-loafers")
    log = RequestLog(tmp_path / "requests.jsonl")
    app = build_model(scenario, log, api_key=KEY, faults=faults)
    names = {call.tool for turn in scenario.script.turns for call in turn.calls}
    loop = await make_loop(app=app, tools=tuple(sorted(names)))
    loop.answers.update(answers(scenario))
    await loop.open()
    assert (await loop.ended()).outcome == "diagnosed"
    assert {line["status"] for line in log.read("model")} == {200}
