"""The real services of a schedule, over the gate: nothing stands in but the model and the tools."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue

from bus.broker import Bus
from bus.commits import Investigations
from bus.dead_letter import DeadLetters
from bus.delivery import Deliveries
from bus.envelope import Entry
from bus.errors import ToolFailed, Unavailable
from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    IncidentOpened,
    ToolCallFinished,
    ToolCallRequested,
    TurnDue,
)
from bus.generation import Store
from bus.lease import Leases
from bus.port import Handle, Route
from bus.results import Results
from bus.settings import BusSettings
from bus.streams import INCIDENTS, TOOL_CALLS, TOOL_RESULTS, TURNS, UPDATES, Keys
from bus.tracing import Tracing
from services.reasoner.adapters import files
from services.reasoner.adapters.redis_budget import RedisDayBudget
from services.reasoner.adapters.redis_catalogues import RedisCatalogues
from services.reasoner.budget import Limits
from services.reasoner.handlers import Reasoner
from services.reasoner.ports import CutOff, SaidNo
from services.reasoner.rules import Rules
from services.reasoner.running import Turns
from services.reasoner.transcript import Reply, Usage
from services.reasoner.turn import Request
from services.toolrunner.adapters.linear_patterns import linear_pattern
from services.toolrunner.audit import AuditChain
from services.toolrunner.catalogue import Catalogue, canonical
from services.toolrunner.handlers import Handlers
from services.toolrunner.ports import Tool
from services.toolrunner.settings import Settings as ToolSettings
from services.toolrunner.showing import Showing
from tests.chaos.schedules.gate import Gate, GatedRedis, Step
from tests.chaos.schedules.no_waiting import NoWaiting
from tests.chaos.schedules.wire import Wire
from tests.toolrunner.policies import Permits

LASTS_SECONDS = 300.0
TOOL = "kubernetes__get_logs"
Uses = tuple[tuple[str, dict[str, JsonValue]], ...]
DIAGNOSIS: dict[str, JsonValue] = {
    "verdict": "fault",
    "summary": "The cart cannot be stored.",
    "evidence": [],
    "confidence": "high",
}
UNPROVEN: dict[str, JsonValue] = DIAGNOSIS | {
    "evidence": [{"call_id": "1-1", "quote": "no tool ever answered this"}]
}
SAID: dict[str, tuple[Uses, str]] = {
    "submit": ((("submit_diagnosis", DIAGNOSIS),), "tool_use"),
    "submit unproven": (((TOOL, {}), ("submit_diagnosis", UNPROVEN)), "tool_use"),
    "unknown tool": ((("shell__run", {}),), "tool_use"),
    "cut short": (((TOOL, {}),), "max_tokens"),
    "pause": ((), "pause_turn"),
    "refusal": ((), "refusal"),
}
"""What else a reply can be than calls: the tools it asks for, and its stop reason."""


@dataclass(frozen=True)
class Parts:
    """The classes under test; a planted fault replaces one of them."""

    investigations: type[Investigations] = Investigations
    results: type[Results] = Results
    turns: type[Turns] = Turns
    reasoner: type[Reasoner] = Reasoner


@dataclass
class ModelOfChance:
    """Answers what the schedule says; every reply tells its own number of tokens."""

    gate: Gate
    replies: int = 0

    async def ask(self, request: Request, *, seconds: float, check: Callable[[], float]) -> Reply:
        """The reply that the task was told to get."""
        task, _ = await self.gate.passes(Step("model"))
        check()
        unsaid = task.said in ("down", "cut off", "no")
        self.replies += not unsaid
        tokens = 0 if unsaid else 1000 + self.replies
        self.gate.watcher.sees(task, Step("model", (request,)), reply=tokens)
        match task.said:
            case "down":
                raise Unavailable("the model is down")
            case "cut off":
                task.said = "words"  # the turn is asked again at once, and that has to end
                raise CutOff("the clock cut the call off")
            case "no":
                raise SaidNo("the key is not valid")
        content, stop_reason = said(task.said, number=self.replies)
        return Reply(
            content=({"type": "text", "text": f"tokens: {tokens}"}, *content),
            stop_reason=stop_reason,
            model="model-of-chance",
            usage=usage(tokens),
        )


def usage(tokens: int) -> Usage:
    """What a reply of that number of tokens is billed."""
    return Usage(input_tokens=tokens, output_tokens=100)


def said(word: str, *, number: int) -> tuple[list[dict[str, JsonValue]], str]:
    """The content and the stop reason of a reply, by its word in the schedule."""
    uses, stop_reason = SAID.get(word, ((), "end_turn"))
    if word.startswith("calls "):
        uses, stop_reason = ((TOOL, {}),) * int(word.split()[1]), "tool_use"
    content: list[dict[str, JsonValue]] = [
        {"type": "tool_use", "id": f"tu_{number}_{k}", "name": name, "input": {**arguments}}
        for k, (name, arguments) in enumerate(uses, start=1)
    ]
    return content, stop_reason


@dataclass
class ToolsOfChance:
    """Tool servers whose every answer differs from the one before."""

    gate: Gate
    answers: int = 0

    def tools(self) -> list[Tool]:
        """Nothing is listed; the catalogue stands in Redis."""
        return []

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, JsonValue],
        *,
        seconds: float,
        check: Callable[[], float],
        read_only: bool,
    ) -> str:
        """An answer, or a failure when the task was told to get one."""
        task, _ = await self.gate.passes(Step("tool"))
        check()
        self.gate.watcher.sees(task, Step("tool"), reply=None)
        self.answers += 1
        if task.said == "no":
            raise ToolFailed(f"failure {self.answers}")
        return f"answer {self.answers}"


class FitsAll:
    """Arguments are no subject here."""

    def problem(self, schema: Mapping[str, JsonValue], arguments: Mapping[str, JsonValue]) -> str:
        """None."""
        return ""

    def schema_problem(self, schema: Mapping[str, JsonValue]) -> str:
        """None."""
        return ""


@dataclass
class Process:
    """One process of a service."""

    name: str
    service: str
    deliveries: Deliveries


@dataclass(frozen=True)
class Stage:
    """What is made once for many schedules."""

    wire: Wire
    loop: asyncio.AbstractEventLoop
    tracing: Tracing
    store: Store
    rules: Rules
    tool_settings: ToolSettings

    @classmethod
    def over(cls, redis_url: str) -> "Stage":
        """A stage on that Redis."""
        rules = Rules(
            model="claude-sonnet-5-5",
            limits=Limits(),
            prices=files.prices(),
            texts=files.texts(),
            submit=files.submit_tool(),
        )
        settings = ToolSettings.model_construct(replica="toolrunner")
        wire, tracing = Wire(redis_url), Tracing("schedules", "one process")
        # what the store would watch is no subject here
        store = Store(BusSettings.model_construct(), "reasoner")
        return cls(wire, NoWaiting(), tracing, store, rules, settings)

    def strike(self) -> None:
        """Everything is closed."""
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.wire.close()
        self.tracing.stop()


class Cast:
    """Makes processes; what they share they could not share in memory, for it holds no state."""

    def __init__(self, gate: Gate, keys: Keys, *, parts: Parts, stage: Stage) -> None:
        self.keys, self.redis = keys, GatedRedis(gate)
        lasts = timedelta(seconds=LASTS_SECONDS)
        self.investigations = parts.investigations(self.redis, self.keys, lasts)
        self.results = parts.results(self.redis, self.keys)
        self.dead_letters = DeadLetters(self.redis, self.keys, self.investigations)
        self.model, self.tools = ModelOfChance(gate), ToolsOfChance(gate)
        self.stage = stage
        turns = parts.turns(
            investigations=self.investigations,
            results=self.results,
            model=self.model,
            catalogues=RedisCatalogues(self.redis, self.keys),
            day_budget=RedisDayBudget(self.redis, self.keys, 1_000_000.0),
            rules=stage.rules,
        )
        self.reasoner = parts.reasoner(
            investigations=self.investigations, turns=turns, deadline_seconds=LASTS_SECONDS
        )

    def process(self, service: str, name: str) -> Process:
        """A process that has just started."""
        settings = BusSettings.model_construct(replica=name, lease_seconds=30.0)
        bus = Bus(
            settings=settings,
            service=service,
            store=self.stage.store,
            redis=self.redis,
            keys=self.keys,
            investigations=self.investigations,
            results=self.results,
            tracing=self.stage.tracing,
        )
        leases = Leases(self.redis, self.keys, settings.consumer, settings.lease_seconds)
        routes = {
            "reasoner": self._reasoner_routes(),
            "notifier": (Route(INCIDENTS, IncidentOpened, self._places),),
            "toolrunner": (Route(TOOL_CALLS, ToolCallRequested, self._runs(name)),),
        }[service]
        return Process(name, service, Deliveries(bus, routes, leases, self.dead_letters))

    def _reasoner_routes(self) -> tuple[Route, ...]:
        do = self.reasoner
        return (
            Route(INCIDENTS, IncidentOpened, do.on_incident_opened),
            Route(TURNS, TurnDue, do.on_turn_due),
            Route(TOOL_RESULTS, ToolCallFinished, do.on_tool_call_finished),
            Route(UPDATES, AlarmJoined, do.on_alarm_joined),
            Route(UPDATES, AlarmRecovered, do.on_alarm_recovered),
        )

    async def _places(self, incident: IncidentOpened, entry: Entry) -> None:
        """What the notifier does with an incident, as far as Redis sees it."""
        await self.investigations.open(incident, entry, acknowledge=False)

    def _runs(self, name: str) -> Handle:
        async def run(call: ToolCallRequested, entry: Entry) -> None:
            handlers = Handlers(
                settings=self.stage.tool_settings,
                investigations=self.investigations,
                results=self.results,
                tracing=self.stage.tracing,
                gate=Permits((TOOL,)),
                check=FitsAll(),
                servers=self.tools,
                pinned=_pinned,
                audit=AuditChain(name),  # of each call, so that none waits for another
                showing=Showing(self.results, linear_pattern, cap=32_000),
            )
            await handlers.on_tool_call_requested(call, entry)

        return run


async def _pinned(sha256: str) -> Catalogue:
    tool = {"name": TOOL, "description": "", "input_schema": {}, "read_only": True}
    return Catalogue(canonical([tool]))
