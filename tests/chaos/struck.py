"""Incidents that meet a fault each, all in one running stack, and what became of every one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

from redis import Redis

from bus.record import Record
from cli.stack import Plan, StackFailed, call, running_stack
from tests.chaos.load import SCENARIO
from tests.loop.desk import Desk, quiet

DEADLINE_SECONDS = 20
MAX_TURNS = 5
MAX_TOOL_CALLS = 8
MAX_COST_USD = 1.0
SETTINGS = {
    "NIGHTSHIFT_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "NIGHTSHIFT_MODEL_SECONDS": "3",
    "NIGHTSHIFT_MAX_TURNS": str(MAX_TURNS),
    "NIGHTSHIFT_MAX_TOOL_CALLS": str(MAX_TOOL_CALLS),
    "NIGHTSHIFT_MAX_COST_USD": str(MAX_COST_USD),
    "NIGHTSHIFT_PROGRESS_SECONDS": "0",
    "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
}


@dataclass
class Struck:
    """A running stack whose incidents are told apart by the case that their summary names."""

    desk: Desk
    cases: dict[str, str] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    """What was waited for in vain."""

    def open(self, incident: str) -> str:
        """The incident is on its way; the case under which a fault finds it."""
        self.cases[incident] = f"case-{1000 + len(self.cases)}"
        summary = f"HTTP 500 on checkout, {self.cases[incident]}"
        self.running.append(incident)
        self.desk.publish(incident_id=incident, service="cartservice", summary=summary)
        return self.cases[incident]

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
            self.running = [each for each in self.running if not self.over(each)]
            return len(self.running)

        self.wait("the ends", lambda: open_now() <= but, seconds=3 * DEADLINE_SECONDS)

    def wait(self, what: str, condition: Callable[[], bool], *, seconds: float) -> None:
        """The condition holds, or its name is among the unmet: each test says what it lacks."""
        try:
            self.desk.stack.wait(what, condition, seconds=seconds)
        except StackFailed as error:
            self.unmet.append(str(error))

    def over(self, incident: str) -> bool:
        """Whether the incident has ended."""
        record = self.desk.record(incident)
        return record is not None and record.state == "ended"


def final(message: dict[str, Any]) -> bool:
    """Whether the message tells how the incident ended."""
    return not str(message["text"]).startswith("investigating ")


@contextmanager
def struck_stack(*, settings: dict[str, str], world: tuple[str, ...] = ()) -> Iterator[Struck]:
    """Four services and a fast scripted model, with little time and few turns."""
    plan = Plan(
        scenario=SCENARIO,
        model_seconds=0.3,
        settings=SETTINGS | settings,
        own_redis=True,
        world=("simulator", "--scenario", SCENARIO, *world),
    )
    with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
        yield Struck(Desk(stack, redis))
