"""Ingest with its HTTP doors open, real HTTP and TLS, a real Redis, and no queue."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bus.broker import Bus
from bus.process import Service
from bus.testing import eventually
from services.ingest.app import build
from services.ingest.ports import QueueMessage
from services.ingest.settings import Settings
from simulator.aws.sns_sender import SnsSender
from tests.conftest import MakeBus
from tests.ingest.bodies import ACCOUNT, REGION

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
OTHER_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:billing"
ALERTS_TOKEN, LOGS_TOKEN = "alerts-" + "a" * 20, "logs-" + "b" * 20
SNS, ALERTS, LOGS = "/triggers/sns", "/triggers/alertmanager", "/triggers/logs"


class NoQueue:
    """A queue in which nothing ever is."""

    async def receive(self) -> Sequence[QueueMessage]:
        """Nothing, for ever."""
        await asyncio.Event().wait()
        return []

    async def delete(self, receipts: Sequence[str]) -> None:
        """Nothing to delete."""

    async def release(self, receipt: str, *, at_once: bool = False) -> None:
        """Nothing to release."""

    async def keep(self, receipt: str) -> None:
        """Nothing to keep."""


@dataclass(frozen=True)
class Got:
    """What was answered."""

    status: int
    said: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Doors:
    """Ingest, from the side of whoever posts."""

    service: Service
    client: aiohttp.ClientSession

    @property
    def bus(self) -> Bus:
        """Its bus."""
        return self.service.bus

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.service.http_port

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Got:
        """The answer to one request."""
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.client.post(url, data=io.BytesIO(body), headers=headers) as answer:
            said = await answer.json() if answer.content_type == "application/json" else {}
            return Got(answer.status, said, dict(answer.headers))


Open = Callable[..., Awaitable[Doors]]


@pytest.fixture(scope="session")
def sns_sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnsSender]:
    """SNS, as far as these tests go."""
    sender = SnsSender(tmp_path_factory.mktemp("sns"), region=REGION)
    sender.start()
    yield sender
    sender.stop()


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnsSender]:
    """A host that is not SNS, with an authority of its own; what it is asked is counted."""
    sender = SnsSender(tmp_path_factory.mktemp("stranger"), region=REGION)
    sender.start()
    yield sender
    sender.stop()


@pytest.fixture
async def open_doors(make_bus: MakeBus, sns_sender: SnsSender) -> AsyncIterator[Open]:
    """`await open_doors(**settings)`: ingest is running with every door open."""
    running: list[Doors] = []

    async def start(**changes: object) -> Doors:
        values: dict[str, object] = {
            "queue_url": "http://127.0.0.1:1/1/none",
            "catch_up": False,
            "sns_topics": TOPIC,
            "sns_endpoint": sns_sender.url,
            "ca_bundle": str(Path(sns_sender.environment()["AWS_CA_BUNDLE"])),
            "alertmanager_token": SecretStr(ALERTS_TOKEN),
            "logs_token": SecretStr(LOGS_TOKEN),
        }
        bus = make_bus("ingest", Settings, **(values | changes))
        assert isinstance(bus.settings, Settings)
        service = build(bus.settings, bus, queue=NoQueue())
        await service.start()

        async def listening() -> bool:
            return service.server is not None and service.server.started

        await eventually(listening)
        running.append(Doors(service, aiohttp.ClientSession()))
        return running[-1]

    yield start
    for doors in running:
        await doors.client.close()
        await doors.service.stop()
