"""A running toolrunner with a foreign server to call."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bus.broker import Bus
from bus.process import Service
from bus.testing import eventually
from services.toolrunner.app import build
from tests.conftest import MakeBus, Start
from tests.toolrunner.foreign import Shop, serving, settings_for

Run = Callable[..., Awaitable[Bus]]


@pytest.fixture
async def shop() -> Shop:
    """The tools of the foreign server."""
    return Shop()


@pytest.fixture
async def shop_port(shop: Shop) -> AsyncIterator[int]:
    """The port on which they are served."""
    async with serving(shop.app()) as port:
        yield port
        shop.hold.set()


@pytest.fixture
def run(make_bus: MakeBus, start: Start, tmp_path: Path, shop_port: int) -> Run:
    """`run(**settings)`: a toolrunner that is ready; its bus."""

    async def started(**changes: object) -> Bus:
        bus = make_bus("toolrunner")
        settings = settings_for(bus, tmp_path, shop_port, **changes)
        bus.settings = settings
        service = build(settings, bus)
        await start(service)
        await eventually(lambda: _ready(service))
        return bus

    return started


async def _ready(service: Service) -> bool:
    return not await service.health.problems()
