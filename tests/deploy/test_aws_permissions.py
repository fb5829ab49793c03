"""The roles allow what ingest and the cloudwatch server ask of AWS, and nothing they do not ask."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from bus.settings import load
from services.ingest.adapters.cloudwatch import CloudWatchAlarms
from services.ingest.adapters.sqs import SqsQueue
from services.ingest.settings import Settings
from services.toolrunner.servers.cloudwatch import CloudWatch
from services.toolrunner.servers.settings import ServersSettings
from simulator.aws import AwsStandIn
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.deploy.iam import actions, allows
from tests.deploy.terraform import QUEUE, policy
from tests.house.sources import ROOT

SCENARIO = load_scenario("cart-loafers")
GROUP = next(iter(SCENARIO.cloudwatch.log_groups))
ASKED_FOR = {"sqs:DeleteMessageBatch": "sqs:DeleteMessage"}
"""Operations that IAM knows by another name."""
SERVICES = {"sqs": "sqs", "monitoring": "cloudwatch", "logs": "logs"}
"""The names by which requests are signed, and those of IAM."""
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RequestLog]:
    """What the stand-in of AWS was asked; its alarm has fired."""
    requests = RequestLog(tmp_path / "aws.jsonl")
    aws = AwsStandIn(SCENARIO, requests)
    aws.start()
    aws.fire_alarm()
    variables = aws.environment() | {
        "NIGHTSHIFT_QUEUE_URL": aws.queue_url,
        "NIGHTSHIFT_QUEUE_WAIT_SECONDS": "0",
        "NIGHTSHIFT_SERVERS_TOKEN": "a-token-of-the-tests",
        "NIGHTSHIFT_LOG_GROUPS": "/boutique/*",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield requests
    aws.stop()


async def test_ingest_and_the_servers_may_do_what_they_do_and_nothing_else(log: RequestLog) -> None:
    await everything_of_ingest()
    by_ingest = asked(log)
    everything_of_the_server()
    by_servers = asked(log)[len(by_ingest) :]
    assert set(by_ingest) == actions(policy("ingest")) == called_in("services/ingest")
    may = actions(policy("cloudwatch")) | actions(policy("cloudwatch-logs"))
    assert set(by_servers) == may == called_in("services/toolrunner")
    reads = ("Describe", "List", "Get", "Filter")
    assert all(action.partition(":")[2].startswith(reads) for action in may)


async def everything_of_ingest() -> None:
    queue, alarms = SqsQueue(load(Settings)), CloudWatchAlarms(load(Settings))
    (message,) = await queue.receive()
    await queue.keep(message.receipt)
    await queue.release(message.receipt, at_once=True)
    (message,) = await queue.receive()
    await queue.delete([message.receipt])
    assert [page async for page in alarms.pages()]


def everything_of_the_server() -> None:
    server, metric = CloudWatch(load(ServersSettings)), SCENARIO.cloudwatch.metrics[0]
    assert server.describe_alarm(SCENARIO.alarm.name)
    assert server.get_alarm_history(SCENARIO.alarm.name)
    assert server.search_logs(GROUP, "AddItemAsync", limit=3)
    assert server.get_metric_points(metric.namespace, metric.metric)
    server.close()


def test_they_may_do_it_in_their_place_alone() -> None:
    ingest, logs = policy("ingest"), policy("cloudwatch-logs")
    place = QUEUE.rpartition(":")[0]
    assert allows(ingest, "sqs:ReceiveMessage", on=QUEUE)
    assert not allows(ingest, "sqs:ReceiveMessage", on=f"{QUEUE}-dead")
    groups = place.replace(":sqs:", ":logs:")
    assert allows(logs, "logs:FilterLogEvents", on=f"{groups}:log-group:/boutique/frontend:*")
    assert not allows(logs, "logs:FilterLogEvents", on=f"{groups}:log-group:/payroll:*")


def asked(log: RequestLog) -> list[str]:
    """The actions that our own asked for; what the stand-in asks itself has no text in its log."""
    lines = [line for line in log.read() if "asked" in line]
    return [as_permitted(f"{SERVICES[str(line['service'])]}:{line['action']}") for line in lines]


def called_in(folder: str) -> set[str]:
    """The actions of every operation of these services that the code of a folder names."""
    session = botocore.session.get_session()
    known = {
        xform_name(operation): f"{service}:{operation}"
        for service in SERVICES.values()
        for operation in session.get_service_model(service).operation_names
    }
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py")]
    words = {
        word_of(node)
        for text in texts
        if known.keys() & set(re.findall(r"[a-z_]+", text))
        for node in ast.walk(ast.parse(text))
    }
    return {as_permitted(known[word]) for word in words & known.keys()}


def word_of(node: ast.AST) -> str:
    """A method's name, or that of an operation for a paginator; else nothing."""
    word = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
    return word if isinstance(word, str) else ""


def as_permitted(operation: str) -> str:
    """The action that IAM wants allowed for it."""
    return ASKED_FOR.get(operation, operation)
