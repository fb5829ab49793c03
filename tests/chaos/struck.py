"""Incidents that meet a fault each, all in one running stack, and what became of every one."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

from redis import Redis

from bus.record import Record
from cli.stack import Plan, StackFailed, call, running_stack
from tests.chaos.load import SCENARIO
from tests.loop.desk import UNLIMITED, Desk, quiet

DEADLINE_SECONDS = 20
MAX_TURNS = 5
MAX_TOOL_CALLS = 8
MAX_COST_USD = 1.0
SETTINGS = UNLIMITED | {
    "NIGHTSHIFT_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "NIGHTSHIFT_MODEL_SECONDS": "3",
    "NIGHTSHIFT_MODEL_PAUSE_SECONDS": "0.5",
    "NIGHTSHIFT_MAX_TURNS": str(MAX_TURNS),
    "NIGHTSHIFT_MAX_TOOL_CALLS": str(MAX_TOOL_CALLS),
    "NIGHTSHIFT_MAX_COST_USD": str(MAX_COST_USD),
    "NIGHTSHIFT_PROGRESS_SECONDS": "0",
    "NIGHTSHIFT_ROLLOUTS_SECONDS": "0",  # looked up by the clock, so no run reaches it like another
    "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
}
MAX_REQUESTS = 40
"""Of one incident to the model, every try counted: a handful of turns, or 16 s of outage."""
LAST_WORDS = 2
"""The conclude turn and its one repeat come on top of the ordinary turns."""
NEVER = {
    "accepted_dropped": "timed_out",
    "api_error": "timed_out",
    "bad_gateway": "timed_out",
    "context_window": "inconclusive",
    "cut": "timed_out",
    "dropped": "timed_out",
    "hang": "timed_out",
    "huge_answer": "timed_out",
    "overloaded": "timed_out",
    "packed": "timed_out",
    "page": "timed_out",
    "prompt_too_long": "inconclusive",
    "rate_limited": "timed_out",
    "redirect": "failed",
    "spend_limit": "failed",
    "timeout": "timed_out",
    "endless_calls": "out_of_budget",
    "huge_arguments": "out_of_budget",
    "invented_quotes": "inconclusive",
    "max_tokens_in_call": "inconclusive",
    "max_tokens_in_text": "inconclusive",
    "missing_field": "out_of_budget",
    "no_call": "inconclusive",
    "parallel_calls": "out_of_budget",
    "refusal": "inconclusive",
    "silence": "inconclusive",
    "blank": "inconclusive",
    "unknown_tool": "out_of_budget",
    "wrong_types": "out_of_budget",
}
"""The outcome when the model never does better; any other fault leaves the script's own."""


def ends(fault: str, otherwise: str = "diagnosed") -> list[str]:
    """The outcomes that an incident may have whose model never does better than that fault.

    One that is stopped by a limit may have gone in circles before.
    """
    outcome = NEVER.get(fault, otherwise)
    return [outcome, "inconclusive"] if outcome == "out_of_budget" else [outcome]


FOR_GOOD = ("context_window", "prompt_too_long", "redirect", "refusal", "spend_limit")
"""Once is enough."""


@dataclass
class Struck:
    """A running stack whose incidents are told apart by the case that their summary names."""

    desk: Desk
    cases: dict[str, str] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    """What was waited for in vain."""

    def open(
        self, incident: str, *, service: str = "cartservice", symptom: str = "HTTP 500 on checkout"
    ) -> str:
        """The incident is on its way; the case under which a fault finds it."""
        self.cases[incident] = f"case-{1000 + len(self.cases)}"
        summary = f"{symptom}, {self.cases[incident]}"
        self.running.append(incident)
        self.desk.publish(incident_id=incident, service=service, summary=summary)
        return self.cases[incident]

    def show(self, scenario: str) -> None:
        """The outside world is that scenario's."""
        call(f"{self.desk.stack.control}/_simulator/scenario", {"scenario": scenario})

    def next_case(self) -> str:
        """The case of the incident that is opened next."""
        return f"case-{1000 + len(self.cases)}"

    def plan(self, *faults: dict[str, Any]) -> None:
        """The faults strike when they are due."""
        call(f"{self.desk.stack.control}/_simulator/faults", list(faults))

    def planned(self) -> list[dict[str, Any]]:
        """Every fault with how often it struck."""
        found: list[dict[str, Any]] = call(f"{self.desk.stack.control}/_simulator/faults")["faults"]
        return found

    def all_struck(self) -> bool:
        """Whether every fault struck."""
        return all(fault["struck"] for fault in self.planned())

    def clear(self) -> None:
        """The outside world is in good health from now on."""
        url = f"{self.desk.stack.control}/_simulator/faults"
        with urlopen(Request(url, method="DELETE"), timeout=10):
            pass

    def over(self) -> dict[str, int]:
        """The faults are over; how often each of them struck, by where it was to strike."""
        strikes = {str(fault["where"]): int(fault["struck"]) for fault in self.planned()}
        self.clear()
        return strikes

    def asked(self) -> Counter[str]:
        """How many requests each incident made to the model, every try counted."""
        said = [str(line.get("opening", "")) for line in self.desk.requests("model")]
        return Counter(
            {
                incident: sum(case in opening for opening in said)
                for incident, case in self.cases.items()
            }
        )

    def cards(self) -> dict[str, list[dict[str, Any]]]:
        """The top-level messages of every incident."""
        found = call(f"{self.desk.stack.control}/_simulator/messages")["messages"]
        cards: dict[str, list[dict[str, Any]]] = {incident: [] for incident in self.cases}
        for message in found:
            told = (message.get("metadata") or {}).get("event_payload", {})
            if not message.get("thread_ts") and told.get("incident_id") in cards:
                cards[told["incident_id"]].append(message)
        return cards

    def all_told(self) -> bool:
        """Whether the end of every incident stands in Slack."""
        return all(any(map(final, cards)) for cards in self.cards().values())

    def ended(self, incident: str) -> Record:
        """The record of an incident that has ended."""
        record = self.desk.record(incident)
        assert record is not None
        assert record.state == "ended", record.state
        return record

    def wait_for_ends(self, *, but: int = 0) -> None:
        """All incidents have ended but so many, or it was waited for in vain."""

        def open_now() -> int:
            self.running = [each for each in self.running if not self.has_ended(each)]
            return len(self.running)

        self.wait("the ends", lambda: open_now() <= but, seconds=3 * DEADLINE_SECONDS)

    def wait(self, what: str, condition: Callable[[], bool], *, seconds: float) -> None:
        """The condition holds, or its name is among the unmet: each test says what it lacks."""
        try:
            self.desk.stack.wait(what, condition, seconds=seconds)
        except StackFailed as error:
            self.unmet.append(str(error))

    def has_ended(self, incident: str) -> bool:
        """Whether the incident has ended."""
        record = self.desk.record(incident)
        return record is not None and record.state == "ended"


def final(message: dict[str, Any]) -> bool:
    """Whether the message tells how the incident ended."""
    return not str(message["text"]).startswith("investigating ")


def wrong(cards: dict[str, list[dict[str, Any]]]) -> int:
    """How many incidents have not exactly one message, a final one."""
    return sum([final(message) for message in said] != [True] for said in cards.values())


@contextmanager
def struck_stack(
    *,
    settings: dict[str, str],
    scenario: str = SCENARIO,
    world: tuple[str, ...] = (),
    model_seconds: float = 0.3,
) -> Iterator[Struck]:
    """Four services and a fast scripted model, with little time and few turns."""
    plan = Plan(
        scenario=scenario,
        model_seconds=model_seconds,
        settings=SETTINGS | settings,
        own_redis=True,
        world=("simulator", "--scenario", scenario, *world),
    )
    with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
        yield Struck(Desk(stack, redis))
