"""A workspace on the wire, and ingest with Slack's doors open, reading an empty queue."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from bus.process import Service
from bus.testing import eventually
from services.ingest.app import build
from services.ingest.settings import Settings
from simulator.request_log import RequestLog
from simulator.serving import Served
from simulator.slack import People, SlackStandIn, build_slack, let_people_in
from simulator.slack.socket_mode import SocketMode
from tests.conftest import MakeBus

CHANNEL = "C0INCIDENTS"
BOT_TOKEN = "-".join(("xoxb", "nobody", "in", "ingest", "has", "it"))
APP_TOKEN = "-".join(("xapp", "1", "A0NIGHTSHIFT", "for", "tests"))
SECRET = "".join(("8f742231b10e8888", "abcd99yyyzzz85a5"))
SERVICES = ("cartservice", "checkoutservice", "frontend", "payment-service")


@pytest.fixture
def log(tmp_path: Path) -> RequestLog:
    """What the workspace was asked."""
    return RequestLog(tmp_path / "slack.jsonl")


@pytest.fixture
async def people(log: RequestLog) -> AsyncIterator[People]:
    """People in a workspace whose app has `APP_TOKEN` and `SECRET`."""
    world = SlackStandIn({CHANNEL: "incidents"})
    socket = SocketMode()
    found = let_people_in(world, app_token=APP_TOKEN, signing_secret=SECRET, socket=socket)
    listener = Served(build_slack(log, BOT_TOKEN, stand_in=world))
    found.address = await listener.start()
    yield found
    await listener.stop()


StartIngest = Callable[..., Awaitable[Service]]


@pytest.fixture
async def slack_ingest(
    make_bus: MakeBus, people: People, tmp_path: Path
) -> AsyncIterator[StartIngest]:
    """`await slack_ingest(**settings)`: the service, started; both doors open by default."""
    started: list[Service] = []
    catalog = tmp_path / "services.toml"
    catalog.write_text(f"services = {list(SERVICES)}", encoding="utf-8")

    async def start(**changes: object) -> Service:
        values = {
            "catalog": catalog,
            "slack_app_token": SecretStr(APP_TOKEN),
            "slack_signing_secret": SecretStr(SECRET),
            "slack_api_url": f"{people.address}/api/",
            "slack_teams": "T0NIGHTSHIFT",
            "slack_per_minute": 1000,
            "repeat_seconds": 0.0,
        } | changes
        bus = make_bus("ingest", Settings, **values)
        assert isinstance(bus.settings, Settings)
        service = build(bus.settings, bus)
        await service.start()
        started.append(service)
        return service

    yield start
    for service in started:
        await service.stop()


@pytest.fixture
async def by_http(slack_ingest: StartIngest, people: People) -> Service:
    """Ingest behind HTTP alone, where the workspace sends its requests."""
    return await behind_http(slack_ingest, people)


async def behind_http(slack_ingest: StartIngest, people: People) -> Service:
    """The same, for a test that chooses."""
    service = await slack_ingest(slack_app_token=None)
    await listening(service)
    people.request_url = f"http://127.0.0.1:{service.http_port}/slack/events"
    return service


async def listening(service: Service) -> None:
    """Its HTTP answers."""

    async def started() -> bool:
        return service.server is not None and service.server.started

    await eventually(started)
