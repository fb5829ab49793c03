"""A reasoner over a real Redis and a strict model desk, and tools that answer at once."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from starlette.applications import Starlette

from bus.broker import Bus, Route
from bus.envelope import Entry
from bus.events import IncidentOpened, InvestigationId, ToolCallFinished, ToolCallRequested
from bus.process import Service, build_app
from bus.record import Record
from bus.results import Result, numbered
from bus.streams import TOOL_CALLS
from bus.testing import eventually
from services.reasoner.adapters.claude import Claude
from services.reasoner.adapters.files import prices
from services.reasoner.adapters.pace import Pace
from services.reasoner.app import build
from services.reasoner.settings import Settings
from simulator.serving import served
from tests.conftest import MakeBus, Start
from tests.reasoner.model_desk import KEY, TOLD, ModelDesk, Said

INV = InvestigationId("inc-1")
LOG = "info: GetCart ok\nSystem.ApplicationException: no loafers\n   at AddItemAsync"
LOGS = "kubernetes__get_logs"
NO_SUCH_TOOL = "denied: the tool is not offered"


def tool(name: str) -> dict[str, object]:
    """A tool as the catalogue describes it."""
    schema = {"type": "object", "properties": {}, "additionalProperties": True}
    return {"name": name, "description": f"{name} of the tests", "input_schema": schema}


@dataclass
class Loop:
    """A running reasoner with what surrounds it."""

    bus: Bus
    desk: ModelDesk
    spans: InMemorySpanExporter
    offered: tuple[str, ...] = ()
    """Tools that answer; another one is an error. None is named: all answer."""
    services: list[Service] = field(default_factory=list)
    called: list[ToolCallRequested] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    """What a tool answers; the log where it is not named."""

    async def stop(self) -> None:
        """Reasoner and toolrunner are gone before the test is."""
        for service in self.services:
            await service.stop()

    async def open(self, **changes: object) -> None:
        """An incident is published."""
        values = {"service": "cartservice", "summary": "HTTP 500", "incident_id": INV}
        told = {"attachments": {"alarm": TOLD}}
        await self.bus.publish(IncidentOpened.model_validate(values | told | changes))

    async def record(self) -> Record | None:
        """The record as it stands."""
        return await self.bus.investigations.read(INV)

    async def until(self, condition: Callable[[Record], bool], seconds: float = 5.0) -> Record:
        """The record once it fulfils the condition."""

        async def met() -> Record | None:
            record = await self.record()
            return record if record is not None and condition(record) else None

        found = await eventually(met, seconds)
        assert found is not None
        return found

    async def ended(self, seconds: float = 5.0) -> Record:
        """The record once it has ended; nothing that was asked was refused by the desk."""
        record = await self.until(lambda r: r.state == "ended", seconds)
        assert self.desk.refused == []
        return record

    def chats(self) -> list[ReadableSpan]:
        """The spans of model calls so far."""
        return [s for s in self.spans.get_finished_spans() if s.name.startswith("chat ")]

    async def answer(self, call: ToolCallRequested, entry: Entry) -> None:
        """What a toolrunner does: the log, numbered."""
        self.called.append(call)
        ok = not self.offered or call.tool in self.offered
        whole = self.answers.get(call.tool, LOG) if ok else ""
        shown = numbered(whole, f"answer of {call.tool}") if ok else NO_SUCH_TOOL
        await self.bus.results.store(
            ToolCallFinished(
                investigation_id=call.investigation_id,
                tool_call_id=call.tool_call_id,
                ok=ok,
                error="" if ok else NO_SUCH_TOOL,
            ),
            Result(whole=whole, shown=shown, tool=call.tool, ok=ok),
            audited=None,
            entry=entry,
        )


MakeLoop = Callable[..., Awaitable[Loop]]


@pytest.fixture
async def make_loop(make_bus: MakeBus, start: Start) -> AsyncIterator[MakeLoop]:
    """`await make_loop(*replies, tools=…, replicas=1, app=…, **settings)`."""
    async with AsyncExitStack() as stack:

        async def make(
            *replies: Said,
            tools: tuple[str, ...] | None = (LOGS,),
            replicas: int = 1,
            app: Starlette | None = None,
            **settings: object,
        ) -> Loop:
            desk = ModelDesk(list(replies))
            values = {
                "anthropic_api_key": SecretStr(KEY),
                "anthropic_base_url": await stack.enter_async_context(served(app or desk.app())),
            }
            runner = make_bus("toolrunner")
            buses = [make_bus("reasoner", Settings, **(values | settings)) for _ in range(replicas)]
            loop = Loop(bus=buses[0], desk=desk, spans=InMemorySpanExporter(), offered=tools or ())
            if tools is not None:
                await publish_catalogue(runner, tools)
            for bus in buses:
                bus.tracing.provider.add_span_processor(SimpleSpanProcessor(loop.spans))
                assert isinstance(bus.settings, Settings)
                loop.services.append(build(bus.settings, bus, model=quick(bus, bus.settings)))
            routes = [Route(TOOL_CALLS, ToolCallRequested, loop.answer)]
            loop.services.append(build_app(runner, routes))
            for service in loop.services:
                await start(service)
            return loop

        yield make


def quick(bus: Bus, settings: Settings) -> Claude:
    """The model as the service asks it, but for a back-off that no test has to wait for."""
    pace = Pace(bus.redis, bus.keys, settings)
    return Claude(settings, bus.tracing, prices(), pace, back_off_seconds=0.01)


async def publish_catalogue(bus: Bus, tools: tuple[str, ...]) -> None:
    """What a toolrunner publishes."""
    listed = json.dumps([tool(name) for name in tools])
    sha256 = hashlib.sha256(listed.encode()).hexdigest()
    await bus.redis.set(bus.keys.catalogue(sha256), listed, ex=3600)
    await bus.redis.set(bus.keys.current_catalogue, sha256, ex=3600)
