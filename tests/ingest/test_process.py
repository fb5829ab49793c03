"""Ingest as a process: what it says when it cannot start, and how fast it goes."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bus.errors import NotConfigured
from bus.settings import load
from services.ingest.adapters.catalog_file import known_services
from services.ingest.adapters.sqs import SqsQueue
from services.ingest.app import build
from services.ingest.doors import need_one
from services.ingest.settings import Settings
from tests.conftest import MakeBus
from tests.ingest.bodies import REGION
from tests.ingest.conftest import Queue

URL = "https://sqs.eu-west-2.amazonaws.com/210987654321/alarms"


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own AWS settings counts."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "NIGHTSHIFT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("NIGHTSHIFT_QUEUE_URL", URL)


def test_with_every_door_closed_the_variables_are_named(
    monkeypatch: pytest.MonkeyPatch, make_bus: MakeBus
) -> None:
    monkeypatch.delenv("NIGHTSHIFT_QUEUE_URL")
    bus = make_bus("ingest", Settings)
    assert isinstance(bus.settings, Settings)

    with pytest.raises(NotConfigured, match=r"no door is open.*NIGHTSHIFT_QUEUE_URL"):
        build(bus.settings, bus)


def test_another_open_door_is_enough() -> None:
    need_one({"queue_url": "", "alertmanager_token": "a token"})
    with pytest.raises(NotConfigured, match="QUEUE_URL or NIGHTSHIFT_ALERTMANAGER_TOKEN"):
        need_one({"queue_url": "", "alertmanager_token": ""})


def test_a_bot_token_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    token = "xoxb-" + "1234567890-abcdefghij"
    monkeypatch.setenv("SLACK_BOT_TOKEN", token)

    with pytest.raises(NotConfigured, match="SLACK_BOT_TOKEN must not be set") as refused:
        load(Settings)
    assert token not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://eu-west-2.queue.amazonaws.com/210987654321/alarms",
        "https://sqs-fips.us-gov-west-1.amazonaws.com/210987654321/alarms",
    ],
)
def test_the_region_is_read_from_the_queues_address(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_QUEUE_URL", url)

    SqsQueue(load(Settings))


def test_an_address_without_a_region_asks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_QUEUE_URL", "http://127.0.0.1:5000/1/alarms")

    with pytest.raises(NotConfigured, match="set AWS_REGION"):
        SqsQueue(load(Settings))


async def test_an_endpoint_that_is_no_address_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")

    with pytest.raises(NotConfigured, match="AWS settings"):
        await SqsQueue(load(Settings)).receive()


@pytest.mark.parametrize("text", ["services = 3", "service = []", "services = [", "\x00"])
def test_a_wrong_services_file_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text(text)

    with pytest.raises(NotConfigured, match=r"services\.toml"):
        known_services(path)


def test_a_services_file_lists_the_names(tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text('services = ["cartservice", "frontend"]')

    assert known_services(path) == ["cartservice", "frontend"]
    path.write_text('[services.cartservice]\npath = "src/cartservice"\n[services.frontend]')
    assert known_services(path) == ["cartservice", "frontend"]
    assert known_services(None) == []


@pytest.mark.timeout(40)
async def test_sigterm_during_a_long_poll_ends_the_process_at_once(
    aws: str, queue: Queue, redis_url: str, make_bus: MakeBus
) -> None:
    settings = {
        "NIGHTSHIFT_QUEUE_URL": queue.url,
        "NIGHTSHIFT_STREAM_PREFIX": make_bus("ingest").settings.stream_prefix,
        "NIGHTSHIFT_HTTP_PORT": "0",
        "AWS_REGION": REGION,
        "REDIS_URL": redis_url,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.ingest",
        env=os.environ | settings,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = b""
    while b"ingest started" not in said:
        said = await asyncio.wait_for(process.stderr.readline(), 20)
        assert said, "ingest ended before it started"

    process.send_signal(signal.SIGTERM)

    assert await asyncio.wait_for(process.wait(), 5) == 0
