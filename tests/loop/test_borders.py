"""The borders: a world that is not ours, and nothing but the variables that point at it.

Each service is a real process. What it gets is what the architecture lists, and where one of those
variables is missing or wrong, it says so in one sentence: when it starts, or in its readiness.
"""

import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bus.testing import eventually
from simulator.redis_server import any_redis, free_port
from tests.loop.border_processes import Running, ended, listen_in, running, stop, told
from tests.loop.foreign_borders import Foreign
from tests.loop.foreign_world import CALLS, NAMESPACE, REPOSITORY, World
from tests.loop.stored import stored_in
from tests.toolrunner.foreign import serving

pytestmark = pytest.mark.timeout(180)
SERVICES = ("ingest", "reasoner", "toolrunner", "notifier")
CLOSED = 9
GONE = f"127.0.0.1:{CLOSED}"
"""Nobody listens on the port of the discard service."""
ALARM_DETAIL: dict[str, Any] = {
    "alarmName": "shelf-empty",
    "state": {"value": "ALARM", "reason": "14 orders failed", "timestamp": "2026-11-24T03:00Z"},
    "previousState": {"value": "OK", "timestamp": "2026-11-24T02:00Z"},
}
ALARM = {
    "version": "0",
    "id": "5b8f3f3e-0000-4000-8000-000000000001",
    "detail-type": "CloudWatch Alarm State Change",
    "source": "aws.cloudwatch",
    "account": "123456789012",
    "time": "2026-11-24T03:00:01Z",
    "region": "eu-west-2",
    "resources": ["arn:aws:cloudwatch:eu-west-2:123456789012:alarm:shelf-empty"],
    "detail": ALARM_DETAIL,
}


@pytest.fixture
async def foreign(tmp_path: Path) -> AsyncIterator[Foreign]:
    """Every stand-in listens, and a Redis of the test's own."""
    world = World()
    redis = any_redis(tmp_path / "redis")
    with Redis.from_url(redis.url) as named:
        named.set("nightshift:generation", "tests")  # else there is a notice beside the card
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(redis.stop)
        ports = {
            name: await stack.enter_async_context(serving(app))
            for name, app in world.apps().items()
        }
        token, port = secrets.token_hex(16), str(free_port())
        made = Foreign(world, ports, tmp_path, redis.url, port, token)
        made.write_files()
        yield made


def nowhere(folder: Path) -> Foreign:
    """Borders that are right in form, and nobody behind them."""
    world = World()
    made = Foreign(world, dict.fromkeys(world.apps(), CLOSED), folder, f"redis://{GONE}/0", "1", "")
    made.write_files()
    return made


async def test_foreign_world_gets_one_card_with_what_it_alone_knew(foreign: Foreign) -> None:
    world = foreign.world
    connections = listen_in(foreign.folder)
    async with contextlib.AsyncExitStack() as stack:
        services = [
            await stack.enter_async_context(
                running(f"services.{service}", foreign.variables(service), folder=foreign.folder)
            )
            for service in ("toolrunner.servers", *SERVICES)
        ]
        await all_ready(services[1:])
        await world.alarms.put(json.dumps(ALARM | {"detail": planted_detail(world)}))

        await eventually(lambda: carded(world), 60)
        (message,) = world.messages.values()
        assert str(message["blocks"]).count(world.word) == len(CALLS)
        assert "could not be verified" not in str(message["blocks"])
        await eventually(lambda: holds(lambda: "Shortened" in str(world.replies)), 20)
        assert world.asked["slack chat.postMessage"] == 1 + len(world.replies)
        assert world.asked["slack chat.update"] >= 1
        assert world.asked["model"] == 2
        assert world.asked["shelf read_notes"] == 1
        assert world.asked[f"cluster GET /api/v1/namespaces/{NAMESPACE}/pods"] == 1
        assert world.asked[f"github GET /repos/{REPOSITORY}/contents/src/shelf.py"] == 1
        await eventually(lambda: holds(lambda: world.deleted == ["receipt-1"]), 20)
        await eventually(lambda: holds(lambda: world.asked["traces"] >= len(services)), 20)
        assert await stop(services) == [0] * len(services)
        said = "".join(service.said for service in services)
        assert_no_secret_left(world, redis=stored_in(foreign.redis_url), said=said)
    assert world.faults == []
    assert "Traceback" not in said
    assert strangers(connections, foreign, services=services) == set()


def planted_detail(world: World) -> dict[str, object]:
    """The alarm, with the first secrets in what it says of itself."""
    reason = "14 orders failed; " + "; ".join(one.text for one in world.planted[:3])
    return ALARM_DETAIL | {"state": ALARM_DETAIL["state"] | {"reason": reason}}


def assert_no_secret_left(world: World, *, redis: str, said: str) -> None:
    """None of the planted secrets stands in Redis, went to the model or to Slack, or was logged."""
    places = {
        "Redis": redis,
        "the model": "".join(world.heard),
        "Slack": json.dumps([*world.messages.values(), *world.replies], ensure_ascii=False),
        "logs": said,
    }
    assert redis.count("[secret:") >= len(world.planted)
    assert "[secret:" in places["the model"]
    found = [
        (place, one.kind, one.setting)
        for place, text in places.items()
        for one in world.planted
        if any(whole in text for whole in one.hidden if len(whole) >= 12)
    ]
    assert found == []


async def all_ready(services: list[Running]) -> None:
    for service in services:
        await eventually(service.is_ready, 90)


async def carded(world: World) -> bool:
    return any("Nobody restocked" in str(message) for message in world.messages.values())


async def holds(condition: Callable[[], bool]) -> bool:
    return condition()


def strangers(log: Path, foreign: Foreign, *, services: list[Running]) -> set[str]:
    """Targets of connections and look-ups that no variable names."""
    redis_port = foreign.redis_url.rpartition(":")[2].partition("/")[0]
    ports = {*map(str, foreign.ports.values()), redis_port, foreign.servers_port}
    known = {f"127.0.0.1:{port}" for port in ports}
    # Without a host it is the service's own address that is looked up, to listen on.
    listening = {f"{host}:{service.port}" for service in services for host in ("None", "")}
    heard = set(log.read_text(encoding="utf-8").splitlines())
    assert len(heard & known) == len(known), "the log of connections hears nothing"
    return heard - known - listening


BAD_STARTS = {
    "ingest without a queue": ("ingest", {"NIGHTSHIFT_QUEUE_URL": ""}, "NIGHTSHIFT_QUEUE_URL"),
    "ingest with Slack's token": ("ingest", {"SLACK_BOT_TOKEN": "given"}, "SLACK_BOT_TOKEN"),
    "ingest without a region": ("ingest", {"AWS_REGION": ""}, "AWS_REGION"),
    "ingest with no services file": (
        "ingest",
        {"NIGHTSHIFT_CATALOG": "/no/file"},
        "NIGHTSHIFT_CATALOG",
    ),
    "reasoner without a key": ("reasoner", {"ANTHROPIC_API_KEY": ""}, "ANTHROPIC_API_KEY"),
    "reasoner with a wrong address": (
        "reasoner",
        {"ANTHROPIC_BASE_URL": "nowhere"},
        "ANTHROPIC_BASE_URL",
    ),
    "reasoner with a word for a number": (
        "reasoner",
        {"NIGHTSHIFT_MAX_TURNS": "many", "NIGHTSHIFT_MAX_COST_USD": "-1"},
        "NIGHTSHIFT_MAX_TURNS",
    ),
    "notifier without a token": ("notifier", {"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN"),
    "notifier without a channel": (
        "notifier",
        {"NIGHTSHIFT_SLACK_CHANNEL": ""},
        "NIGHTSHIFT_SLACK_CHANNEL",
    ),
    "notifier with a wrong trace link": (
        "notifier",
        {"NIGHTSHIFT_TRACE_URL": "https://jaeger.example/trace"},
        "NIGHTSHIFT_TRACE_URL",
    ),
    "notifier with a deadline of no length": (
        "notifier",
        {"NIGHTSHIFT_DEADLINE_SECONDS": "0"},
        "NIGHTSHIFT_DEADLINE_SECONDS",
    ),
    "notifier with a wrong Redis": ("notifier", {"REDIS_URL": "http://127.0.0.1"}, "REDIS_URL"),
    "notifier without a Redis": (
        "notifier",
        {"REDIS_URL": f"redis://{GONE}/0", "NIGHTSHIFT_REDIS_WAIT_SECONDS": "0"},
        f"Redis at redis://{GONE}/0 cannot be used",
    ),
    "notifier on a port of nobody": (
        "notifier",
        {"NIGHTSHIFT_HTTP_PORT": "70000"},
        "NIGHTSHIFT_HTTP_PORT",
    ),
    "toolrunner without a policy": (
        "toolrunner",
        {"NIGHTSHIFT_POLICY_DIR": "/no/folder"},
        "NIGHTSHIFT_POLICY_DIR",
    ),
    "toolrunner with a broken server file": (
        "toolrunner",
        {"NIGHTSHIFT_MCP_SERVERS": "BROKEN"},
        "NIGHTSHIFT_MCP_SERVERS",
    ),
}


@pytest.mark.parametrize("case", BAD_STARTS)
async def test_wrong_border_ends_the_process_with_one_sentence(case: str, tmp_path: Path) -> None:
    service, changes, words = BAD_STARTS[case]
    plain = nowhere(tmp_path)
    variables = plain.variables(service) | changes
    if changes.get("NIGHTSHIFT_MCP_SERVERS"):
        broken = plain.folder / "broken.json"
        broken.write_text('{"mcpServers": {"shelf": {}', encoding="utf-8")
        variables["NIGHTSHIFT_MCP_SERVERS"] = str(broken)
    end = await ended(f"services.{service}", variables)
    assert end.code == 1
    assert "Traceback" not in end.said
    (sentence,) = end.sentences
    assert sentence.startswith(f"nightshift {service}: ")
    assert words in sentence
    assert all(name in sentence for name in changes if name.startswith("NIGHTSHIFT_MAX"))


NOT_READY = {
    "reasoner without a model": (
        "reasoner",
        {"ANTHROPIC_BASE_URL": f"http://{GONE}"},
        "the model API at",
    ),
    "notifier without Slack": (
        "notifier",
        {"SLACK_API_URL": f"http://{GONE}/api/"},
        "Slack cannot be reached",
    ),
    "notifier with a wrong token": (
        "notifier",
        {"SLACK_BOT_TOKEN": "wrong"},
        "set SLACK_BOT_TOKEN",
    ),
    "ingest without SQS": (
        "ingest",
        {"AWS_ENDPOINT_URL": f"http://{GONE}"},
        "SQS cannot be reached",
    ),
}


@pytest.mark.parametrize("case", NOT_READY)
async def test_outside_that_does_not_answer_fails_readiness_with_a_sentence(
    case: str, foreign: Foreign
) -> None:
    service, changes, words = NOT_READY[case]
    variables = foreign.variables(service) | changes
    async with running(f"services.{service}", variables) as started:
        await told(started, words)
        said = started.said
    assert "Traceback" not in said
    assert started.process.returncode == 0
