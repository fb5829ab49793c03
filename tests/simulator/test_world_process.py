"""The outside world as a process: `python -m simulator`, as the demo starts it."""

import asyncio
import json
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import boto3
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from simulator.faults import Fault, FaultError
from simulator.scenario import load_scenario
from simulator.world import World
from tests.simulator.scenario_file import with_parts

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


@asynccontextmanager
async def world(state: Path, *arguments: str) -> AsyncIterator[Running]:
    process = await started("--scenario", "cart-loafers", "--state", str(state), *arguments)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_SECONDS):
            line = await process.stdout.readline()
        assert b"is ready" in line, await process.communicate()
        described = json.loads((state / "simulator.json").read_text(encoding="utf-8"))
        yield Running(process, state, described)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def mode_of(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with world(tmp_path) as running:
        yield running


@pytest.mark.timeout(60)
async def test_every_stand_in_answers_where_the_state_file_says(running: Running) -> None:
    addresses = running.described["addresses"]
    names = {"aws", "control", "github", "kubernetes", "model", "otlp", "slack", "sns"}
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
    own = {
        name: {key for key in values if not key.startswith("AWS_")}
        for name, values in environment.items()
    }
    assert own == {
        "ingest": {
            "NIGHTSHIFT_ALERTMANAGER_TOKEN",
            "NIGHTSHIFT_CATALOG",
            "NIGHTSHIFT_LOGS_TOKEN",
            "NIGHTSHIFT_QUEUE_URL",
            "NIGHTSHIFT_SLACK_TEAMS",
            "NIGHTSHIFT_SNS_TOPICS",
            "SLACK_API_URL",
            "SLACK_SIGNING_SECRET",
        },
        "reasoner": {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "NIGHTSHIFT_CATALOG"},
        "toolrunner": {
            "GITHUB_API_URL",
            "GITHUB_TOKEN",
            "KUBECONFIG",
            "NIGHTSHIFT_LOG_GROUPS",
            "NIGHTSHIFT_NAMESPACES",
            "NIGHTSHIFT_REPOSITORY",
        },
        "notifier": {
            "NIGHTSHIFT_SLACK_CHANNEL",
            "NIGHTSHIFT_SLACK_PACE",
            "NIGHTSHIFT_TRACE_URL",
            "SLACK_API_URL",
            "SLACK_BOT_TOKEN",
        },
        "all": {"OTEL_EXPORTER_OTLP_ENDPOINT"},
    }
    reach_aws = [name for name, values in environment.items() if "AWS_SECRET_ACCESS_KEY" in values]
    assert reach_aws == ["ingest", "toolrunner"]
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


def received(ingest: dict[str, str]) -> list[str]:
    queue = boto3.client(
        "sqs",
        endpoint_url=ingest["AWS_ENDPOINT_URL"],
        region_name=ingest["AWS_REGION"],
        aws_access_key_id=ingest["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ingest["AWS_SECRET_ACCESS_KEY"],
    )
    answer = queue.receive_message(
        QueueUrl=ingest["NIGHTSHIFT_QUEUE_URL"], WaitTimeSeconds=5, MaxNumberOfMessages=10
    )
    queue.close()
    return [message["Body"] for message in answer.get("Messages", [])]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("form", "mark"), [("sns", "Notification"), ("eventbridge", "CloudWatch Alarm State Change")]
)
async def test_fired_alarm_lies_in_the_queue_the_state_file_names(
    running: Running, form: str, mark: str
) -> None:
    control = running.described["addresses"]["control"]
    async with (
        aiohttp.ClientSession(control) as session,
        session.post("/_simulator/fire-alarm", json={"form": form}) as answer,
    ):
        assert answer.status == 200, await answer.text()
    (body,) = await asyncio.to_thread(received, running.described["environment"]["ingest"])
    assert mark in json.loads(body).values()


def alarms(ingest: dict[str, str]) -> dict[str, str]:
    """The state of every alarm, by its name."""
    cloudwatch = boto3.client(
        "cloudwatch",
        endpoint_url=ingest["AWS_ENDPOINT_URL"],
        region_name=ingest["AWS_REGION"],
        aws_access_key_id=ingest["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ingest["AWS_SECRET_ACCESS_KEY"],
    )
    found = cloudwatch.describe_alarms()["MetricAlarms"]
    cloudwatch.close()
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}


@pytest.mark.timeout(60)
async def test_world_becomes_another_scenario_at_the_same_addresses_unless_services_would_not_fit(
    running: Running, tmp_path: Path
) -> None:
    ingest = running.described["environment"]["ingest"]
    elsewhere = with_parts(tmp_path, cluster={"namespace": "elsewhere"})
    control = running.described["addresses"]["control"]
    async with aiohttp.ClientSession(control) as session:
        for name, status in (("adservice-oom", 200), (str(elsewhere), 400)):
            asked = {"scenario": name}
            async with session.post("/_simulator/scenario", json=asked) as answer:
                assert answer.status == status, await answer.text()
                said = await answer.json()
        async with session.post("/_simulator/fire-alarm") as answer:
            assert answer.status == 200
    assert said["error"].startswith("small lies in namespace elsewhere, repository ")
    assert await asyncio.to_thread(alarms, ingest) == {"adservice-restarts": "ALARM"}
    (body,) = await asyncio.to_thread(received, ingest)
    assert "adservice-restarts" in body


@pytest.mark.timeout(60)
async def test_with_the_real_model_there_is_no_scripted_one(tmp_path: Path) -> None:
    async with world(tmp_path, "--real-model") as running:
        assert "model" not in running.described["addresses"]
        assert running.described["environment"]["reasoner"].keys() == {"NIGHTSHIFT_CATALOG"}


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
    assert complaint.startswith(b"broken.yaml, line 2: not valid YAML")
    assert complaint.count(b"\n") == 1


async def test_fault_that_does_not_exist_is_one_sentence_and_exit_one(tmp_path: Path) -> None:
    fault = '{"stand_in": "slack", "fault": "melted"}'
    process = await started(
        "--scenario", "cart-loafers", "--state", str(tmp_path), "--fault", fault
    )
    async with asyncio.timeout(READY_SECONDS):
        _, complaint = await process.communicate()
    assert process.returncode == 1
    assert complaint.startswith(b"slack knows no fault 'melted': there is accepted_dropped, ")
    assert complaint.count(b"\n") == 1


def test_faults_of_the_scenario_and_of_the_command_line_are_planned_from_the_start(
    tmp_path: Path,
) -> None:
    slow, cut = of_the_model("slow", "cut")
    scenario = load_scenario("cart-loafers").model_copy(update={"faults": (slow,)})
    planned = World(scenario, tmp_path, faults=[cut]).faults.listed()
    assert [fault["fault"] for fault in planned] == ["slow", "cut"]


async def test_shown_scenario_brings_its_faults_and_those_of_the_one_before_are_gone(
    tmp_path: Path,
) -> None:
    slow, cut, hang, melted = of_the_model("slow", "cut", "hang", "melted")
    scenario = load_scenario("cart-loafers")
    world = World(scenario.model_copy(update={"faults": (slow,)}), tmp_path, faults=[cut])
    await world.show(scenario.model_copy(update={"faults": (hang,)}))
    assert [fault["fault"] for fault in world.faults.listed()] == ["cut", "hang"]
    with pytest.raises(FaultError, match="knows no fault 'melted'"):
        await world.show(scenario.model_copy(update={"faults": (melted,)}))
    assert [fault["fault"] for fault in world.faults.listed()] == ["cut", "hang"]


def of_the_model(*names: str) -> list[Fault]:
    """A fault of each name."""
    return [Fault(stand_in="model", fault=name) for name in names]
