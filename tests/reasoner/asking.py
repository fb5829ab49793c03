"""The model adapter alone, against whatever app a test puts there: one question, one answer."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr
from starlette.applications import Starlette

from services.reasoner.adapters.claude import Claude
from services.reasoner.settings import Settings
from services.reasoner.transcript import Reply
from services.reasoner.turn import Request
from simulator.serving import served
from tests.conftest import MakeBus
from tests.reasoner.conftest import INV, LOGS, quick, tool
from tests.reasoner.model_desk import KEY


def question(investigation: str = INV, *, turn: int = 1) -> Request:
    """The first request of an investigation."""
    submit = tool("submit_diagnosis")
    return Request(
        investigation_id=type(INV)(investigation),
        turn=turn,
        concludes=False,
        system="find the cause",
        tools=(tool(LOGS), submit),
        history=(),
        message={"role": "user", "content": [{"type": "text", "text": "an incident"}]},
        updates_shown=0,
    )


@dataclass
class Replica:
    """One reasoner's way to the model."""

    claude: Claude
    checks: list[float] = field(default_factory=list)

    async def ask(self, request: Request | None = None, *, seconds: float = 5.0) -> Reply:
        """The reply, while its lease lasts."""
        return await self.claude.ask(request or question(), seconds=seconds, check=lambda: math.inf)


@asynccontextmanager
async def replicas(
    app: Starlette, make_bus: MakeBus, count: int = 1, **settings: object
) -> AsyncIterator[list[Replica]]:
    """So many replicas that ask that app and share a Redis."""
    async with served(app) as address:
        values = {"anthropic_api_key": SecretStr(KEY), "anthropic_base_url": address} | settings
        made: list[Replica] = []
        for _ in range(count):
            bus = make_bus("reasoner", Settings, **values)
            assert isinstance(bus.settings, Settings)
            made.append(Replica(quick(bus, bus.settings)))
        try:
            yield made
        finally:
            for each in made:
                await each.claude.client.close()
