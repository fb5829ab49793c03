"""The outside world as a process: `python -m simulator`, as the demo starts it."""

import asyncio
import json
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

READY_SECONDS = 30
STOP_SECONDS = 5


class Running(NamedTuple):
    """A ready process, the folder of its state, and what stands in its state file."""

    process: Process
    state: Path
    described: dict[str, Any]


async def started(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", *arguments, stdout=PIPE, stderr=PIPE
    )


async def ready(process: Process, state: Path) -> Running:
    assert process.stdout is not None
    async with asyncio.timeout(READY_SECONDS):
        line = await process.stdout.readline()
    assert b"is ready" in line, await process.communicate()
    described = json.loads((state / "simulator.json").read_text(encoding="utf-8"))
    return Running(process, state, described)


def mode_of(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    process = await started("--scenario", "cart-loafers", "--state", str(tmp_path))
    try:
        yield await ready(process, tmp_path)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.timeout(60)
async def test_every_stand_in_answers_where_the_state_file_says(running: Running) -> None:
    addresses = running.described["addresses"]
    names = {"aws", "control", "github", "kubernetes", "model", "otlp", "slack"}
    assert set(addresses) == names
    async with aiohttp.ClientSession() as session:
        for address in addresses.values():
            async with session.get(address, ssl=False) as answer:
                assert answer.status < 500
    notifier = running.described["environment"]["notifier"]
    client = AsyncWebClient(token=notifier["SLACK_BOT_TOKEN"], base_url=notifier["SLACK_API_URL"])
    posted = await client.chat_postMessage(channel=notifier["NIGHTSHIFT_SLACK_CHANNEL"], text="x")
    assert posted["ok"]


@pytest.mark.timeout(60)
async def test_each_service_gets_the_variables_of_its_duty_and_no_other_credential(
    running: Running,
) -> None:
    environment = running.described["environment"]
    assert {name: set(values) for name, values in environment.items()} == {
        "ingest": {
            "AWS_ACCESS_KEY_ID",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL",
            "AWS_SECRET_ACCESS_KEY",
            "NIGHTSHIFT_QUEUE_URL",
        },
        "reasoner": {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"},
        "toolrunner": {
            "AWS_ACCESS_KEY_ID",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL",
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_API_URL",
            "GITHUB_TOKEN",
            "KUBECONFIG",
            "NIGHTSHIFT_NAMESPACES",
            "NIGHTSHIFT_REPOSITORY",
        },
        "notifier": {
            "NIGHTSHIFT_SLACK_CHANNEL",
            "NIGHTSHIFT_TRACE_URL",
            "SLACK_API_URL",
            "SLACK_BOT_TOKEN",
        },
        "all": {"OTEL_EXPORTER_OTLP_ENDPOINT"},
    }
    assert mode_of(environment["toolrunner"]["KUBECONFIG"]) == 0o600
    assert mode_of(running.state / "simulator.json") == 0o600


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_it_with_zero_and_without_complaint(
    running: Running, name: signal.Signals
) -> None:
    running.process.send_signal(name)
    async with asyncio.timeout(STOP_SECONDS):
        output, complaints = await running.process.communicate()
    assert (running.process.returncode, output, complaints) == (0, b"", b"")
    assert not (running.state / "simulator.json").exists()


@pytest.mark.timeout(60)
async def test_fired_alarm_lies_in_the_queue_the_state_file_names(running: Running) -> None:
    control = running.described["addresses"]["control"]
    async with aiohttp.ClientSession(control) as session:
        async with session.post("/_simulator/fire-alarm", json={"form": "sns"}) as answer:
            assert answer.status == 200, await answer.text()
        async with session.get("/_simulator/requests") as answer:
            assert answer.status == 200
    ingest = running.described["environment"]["ingest"]
    receive = {"QueueUrl": ingest["NIGHTSHIFT_QUEUE_URL"]}
    headers = {
        "X-Amz-Target": "AmazonSQS.ReceiveMessage",
        "Content-Type": "application/x-amz-json-1.0",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            ingest["AWS_ENDPOINT_URL"], data=json.dumps(receive), headers=headers
        ) as answer,
    ):
        messages = json.loads(await answer.text())["Messages"]
    assert len(messages) == 1


@pytest.mark.timeout(60)
async def test_with_the_real_model_there_is_no_scripted_one(tmp_path: Path) -> None:
    process = await started("--scenario", "cart-loafers", "--state", str(tmp_path), "--real-model")
    try:
        running = await ready(process, tmp_path)
        assert "model" not in running.described["addresses"]
        assert running.described["environment"]["reasoner"] == {}
    finally:
        process.terminate()
        await process.communicate()


async def test_unknown_scenario_is_one_sentence_and_exit_one(tmp_path: Path) -> None:
    process = await started("--scenario", "no-such", "--state", str(tmp_path))
    async with asyncio.timeout(READY_SECONDS):
        output, complaint = await process.communicate()
    assert (process.returncode, output) == (1, b"")
    assert complaint.startswith(b"no scenario 'no-such'")
    assert complaint.count(b"\n") == 1


async def test_scenario_that_is_not_yaml_is_one_sentence_and_exit_one(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [unclosed\n", encoding="utf-8")
    process = await started("--scenario", str(broken), "--state", str(tmp_path))
    async with asyncio.timeout(READY_SECONDS):
        _, complaint = await process.communicate()
    assert process.returncode == 1
    assert complaint.startswith(b"broken.yaml is not valid YAML")
    assert complaint.count(b"\n") == 1
