"""Three of ten model calls fail: a sample of R13; the figures: tests/chaos/test_model_errors.py."""

from collections import Counter
from pathlib import Path

from bus.events import InvestigationId
from bus.testing import eventually
from simulator.faults import Faults, read_faults
from simulator.model import build_model
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.chaos.model_errors import DIAGNOSED, MOST_TOKENS, at_a_rate, tokens
from tests.lane import Figures, Lane
from tests.reasoner.conftest import MakeLoop
from tests.reasoner.model_desk import KEY
from tests.reasoner.test_scripted_model import answers

INCIDENTS = 12
MOST_OF_SO_FEW = 1.5
"""Of twelve incidents chance makes more of it than of the full lane's; a second call makes two."""


async def test_incidents_are_diagnosed_and_cost_little_more_while_three_of_ten_calls_fail(
    make_loop: MakeLoop, tmp_path: Path, lane: Lane, figures: Figures
) -> None:
    chance, faults = lane.random("model errors"), Faults()
    scenario, log = load_scenario("cart-loafers"), RequestLog(tmp_path / "requests.jsonl")
    names = tuple(sorted({call.tool for turn in scenario.script.turns for call in turn.calls}))
    app = build_model(scenario, log, api_key=KEY, faults=faults)
    loop = await make_loop(app=app, tools=names)
    loop.answers.update(answers(scenario))
    await loop.open()
    await loop.ended()
    clean = tokens(log.read("model"))
    ids = [InvestigationId(f"case-{100 + number}") for number in range(INCIDENTS)]
    for each in ids:
        faults.plan(*read_faults(at_a_rate(chance, each, seconds=0.0)))
        await loop.open(incident_id=each, summary=f"HTTP 500, {each}")

    async def outcomes() -> Counter[str | None] | None:
        records = [await loop.bus.investigations.read(each) for each in ids]
        ended = [record.outcome for record in records if record and record.state == "ended"]
        return Counter(ended) if len(ended) == len(ids) else None

    found = await eventually(outcomes, 8)
    assert found is not None
    lines = [line for line in log.read("model") if "HTTP 500, case-" in str(line.get("opening"))]
    failed = sum("fault" in line for line in lines)
    ratio = tokens(lines) / (INCIDENTS * clean)
    size = f"{failed} of {len(lines)} model calls fail, {INCIDENTS} incidents, one reasoner"
    figures.add("R13", f"{size}: diagnosed", found["diagnosed"], f">= {DIAGNOSED:.0%}")
    figures.add("R13", f"{size}: times the tokens without errors", ratio, MOST_TOKENS)
    assert failed > len(lines) / 6
    assert found["diagnosed"] == INCIDENTS
    assert ratio <= MOST_OF_SO_FEW
