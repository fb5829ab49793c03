"""An incident of a shipped scenario that meets one fault, and what has to come of each of them."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from services.reasoner.budget import calls_sent
from simulator.scenario import Scenario
from simulator.slack import render_message
from tests.chaos.struck import LAST_WORDS, MAX_COST_USD, MAX_REQUESTS, Struck, final, wrong
from tests.lane import Figures

MAX_TURNS = 7
MAX_TOOL_CALLS = 16
SETTINGS = {
    "NIGHTSHIFT_MAX_TURNS": str(MAX_TURNS),
    "NIGHTSHIFT_MAX_TOOL_CALLS": str(MAX_TOOL_CALLS),
    "NIGHTSHIFT_MAX_DAY_COST_USD": "10000",
}
"""Room for the longest script, one turn more for what a fault costs, and no more."""
MOST_COST_USD = 1.5 * MAX_COST_USD
"""Five long results at once make the last words dearer than what was held back for them."""
Kind = Literal["once", "always"]
KINDS: tuple[Kind, ...] = ("once", "always")


@dataclass(frozen=True)
class Met:
    """An incident of a scenario and the one fault that it meets: in its first call, or in all."""

    scenario: str
    stand_in: str
    fault: str
    kind: Kind

    @property
    def incident(self) -> str:
        """Its id."""
        return f"{self.scenario}-{self.stand_in}-{self.fault}-{self.kind}"

    @property
    def times(self) -> int:
        """How many requests are struck; 0 is all of them."""
        return int(self.kind == "once")


@dataclass(frozen=True)
class Seen:
    """All that is known once every incident has ended; `strikes` are counted by incident."""

    struck: Struck
    met: tuple[Met, ...]
    strikes: dict[str, int]
    asked: Counter[str]
    cards: dict[str, list[dict[str, Any]]]

    def of(self, scenario: str) -> list[Met]:
        """The incidents of one scenario."""
        return [each for each in self.met if each.scenario == scenario]


def seen_of(struck: Struck, met: tuple[Met, ...], strikes: dict[str, int]) -> Seen:
    """What became of the incidents, once each has its card or that was waited for in vain."""
    struck.wait("every card", struck.all_told, seconds=40)
    return Seen(struck, met, strikes, struck.asked(), struck.cards())


def note(seen: Seen, figures: Figures, *, what: str) -> None:
    """The figures of such a run."""
    scenarios = len({each.scenario for each in seen.met})
    size = f"{scenarios} scenarios under single faults of {what}, {len(seen.met)} incidents"
    figures.add("R2", f"{size}: without their one final message", wrong(seen.cards), 0)
    figures.add("R2", f"{size}: most requests to the model of one", max(seen.asked.values()))
    records = [seen.struck.desk.record(each.incident) for each in seen.met]
    dearest = max((record.spend.cost_usd or 0.0) for record in records if record)
    figures.add("R2", f"{size}: most dollars of one", dearest, f"{MAX_COST_USD} + last words")


def problems_with(
    each: Met, seen: Seen, *, scenario: Scenario, wanted: Collection[str]
) -> list[str]:
    """What did not come of one incident as it should; its outcome is one of `wanted`."""
    record = seen.struck.desk.record(each.incident)
    if record is None or record.state != "ended":
        return ["it never ended"]
    cards = seen.cards[each.incident]
    text = "\n".join(map(render_message, cards)).lower()
    asked, spend = seen.asked[each.incident], record.spend
    quotes = record.diagnosis.evidence if record.diagnosis else ()
    holds = {
        "the fault struck": seen.strikes[each.incident] >= 1,
        f"{record.outcome} is among {', '.join(sorted(wanted))}": record.outcome in wanted,
        f"one message of {len(cards)}": [final(message) for message in cards] == [True],
        f"{asked} requests": asked <= MAX_REQUESTS,
        f"{spend.model_calls} turns": spend.model_calls <= MAX_TURNS + LAST_WORDS,
        f"{calls_sent(record)} tool calls": calls_sent(record) <= MAX_TOOL_CALLS,
        f"{spend.cost_usd} dollars": (spend.cost_usd or 0.0) <= MOST_COST_USD,
        "a claim rests on a quote": record.outcome != "diagnosed" or bool(quotes),
    }
    forbidden = scenario.expected.must_not_claim
    claimed = [f"claims {words}" for words in forbidden if words.lower() in text]
    return [what for what, held in holds.items() if not held] + claimed
