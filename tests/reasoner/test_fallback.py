"""The fallback model: when it is asked, what it costs, and how a history of two models is taken."""

from pathlib import Path

import pytest

from bus.errors import Unavailable
from bus.record import Record
from services.reasoner import budget
from services.reasoner.adapters import files
from services.reasoner.adapters.claude import MAX_TRIES
from services.reasoner.budget import COST_OF_TURN, Limits, Size, TurnCost
from services.reasoner.ports import CutOff
from services.reasoner.rules import Rules
from services.reasoner.settings import Settings
from simulator.faults import Fault, Faults
from simulator.model import build_model
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.conftest import MakeBus
from tests.reasoner.asking import question, replicas
from tests.reasoner.conftest import Loop, MakeLoop
from tests.reasoner.model_desk import KEY, Said, submits
from tests.reasoner.test_scripted_model import answers

MAIN, FALLBACK = "claude-sonnet-5-5", "claude-haiku-5-5"
SCENARIO = load_scenario("cart-loafers")
NAMES = {call.tool for turn in SCENARIO.script.turns for call in turn.calls}


class World:
    """The scripted model, and what each of the two models is to do wrong."""

    def __init__(self, folder: Path) -> None:
        self.faults, self.log = Faults(), RequestLog(folder / "requests.jsonl")
        self.app = build_model(SCENARIO, self.log, api_key=KEY, faults=self.faults)

    def plan(self, model: str, fault: str, *, times: int = 0, after: int = 0) -> None:
        planned = Fault(stand_in="model", fault=fault, where=model, times=times, after=after)
        self.faults.plan(planned)

    @property
    def answered(self) -> list[str]:
        return [str(line["model"]) for line in self.log.read("model") if line["status"] == 200]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def diagnosed(make_loop: MakeLoop, world: World, **settings: object) -> tuple[Loop, Record]:
    loop = await make_loop(app=world.app, tools=tuple(sorted(NAMES)), **settings)
    loop.answers.update(answers(SCENARIO))
    await loop.open()
    record = await loop.ended(9)
    assert record.outcome == "diagnosed", record.reason
    return loop, record


async def test_an_overloaded_model_gives_way_for_a_turn_and_both_take_the_same_history_back(
    make_loop: MakeLoop, world: World
) -> None:
    world.plan(MAIN, "overloaded", times=4, after=1)
    loop, record = await diagnosed(make_loop, world, fallback_model=FALLBACK)
    turns = len(SCENARIO.script.turns) + 1
    assert world.answered == [MAIN, FALLBACK, *[MAIN] * (turns - 2)]
    assert {line["status"] for line in world.log.read("model")} == {200, 529}
    costs = [
        TurnCost.model_validate_json(record.notes[f"{COST_OF_TURN}{turn}"])
        for turn in range(1, turns + 1)
    ]
    assert costs[1].model == f"scripted:{FALLBACK}"
    assert costs[1].cost_usd == files.prices().cost_usd(FALLBACK, costs[1].usage)
    assert costs[2].cost_usd == files.prices().cost_usd(MAIN, costs[2].usage)
    assert record.spend.cost_usd == pytest.approx(sum(cost.cost_usd or 0 for cost in costs))
    (instead,) = [chat for chat in loop.chats() if chat.name == f"chat {FALLBACK}"]
    told = dict(instead.attributes or {})
    assert told["nightshift.instead_of"] == MAIN
    assert told["nightshift.cost_usd"] == pytest.approx(costs[1].cost_usd)


async def test_a_diagnosis_names_the_model_that_wrote_it(make_loop: MakeLoop) -> None:
    loop = await make_loop(*[Said(status=529)] * MAX_TRIES, submits(), fallback_model=FALLBACK)
    await loop.open()
    record = await loop.ended()
    assert record.model == f"scripted:{FALLBACK}"
    assert record.diagnosis is not None
    assert record.diagnosis.model == f"scripted:{FALLBACK}"


async def test_a_silent_model_leaves_the_fallback_time_and_its_money_stays_reserved(
    make_bus: MakeBus, world: World
) -> None:
    world.plan(MAIN, "hang")
    async with replicas(world.app, make_bus, fallback_model=FALLBACK) as (one,):
        with pytest.raises(CutOff):
            await one.ask(seconds=0.5)
        assert (await one.ask(seconds=5)).asked == FALLBACK
        assert [line["status"] for line in world.log.read("model")] == [0, 200]
        with pytest.raises(CutOff):
            await one.ask(question(turn=2), seconds=0.5)


async def test_what_the_fallback_refuses_is_no_reason_to_give_up(
    make_bus: MakeBus, world: World
) -> None:
    world.plan(MAIN, "overloaded")
    async with replicas(world.app, make_bus, fallback_model="claude-none") as (one,):
        with pytest.raises(Unavailable, match=r"529 .*; the model API refused: 404 "):
            await one.ask()


async def test_what_the_model_refuses_for_good_is_not_asked_of_the_fallback(
    make_loop: MakeLoop, world: World
) -> None:
    world.plan(MAIN, "redirect")
    loop = await make_loop(app=world.app, fallback_model=FALLBACK)
    await loop.open()
    assert (await loop.ended()).outcome == "failed"
    assert len(world.log.read("model")) == 1


@pytest.mark.parametrize("fallback", ["claude-fable-5-1", "claude-haiku-5-5", ""])
def test_a_reservation_covers_the_dearer_of_the_two(fallback: str) -> None:
    rules = Rules(
        model=MAIN,
        fallback_model=fallback,
        limits=Limits(),
        prices=files.prices(),
        texts=files.texts(),
        submit=files.submit_tool(),
    )
    dear = "claude-fable-5-1" if "fable" in fallback else MAIN
    size = Size(hour_bytes=0, prompt_bytes=250_000)
    alone = budget.estimate(files.prices(), dear, size=size, limits=Limits())
    assert rules.estimate(size).call_usd == alone.call_usd


def test_the_models_are_the_model_and_its_fallback() -> None:
    assert Settings(model="a").models == ("a",)
    assert Settings(model="a", fallback_model="b").models == ("a", "b")
