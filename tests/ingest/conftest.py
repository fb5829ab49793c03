"""SQS on the wire (moto on a loopback port), and ingest as a service reading from it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

from bus.process import Service
from services.ingest.app import build
from services.ingest.settings import Settings
from tests.conftest import MakeBus
from tests.ingest.bodies import REGION

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass
class Queue:
    """A queue of the test's own, from the side of whoever sends and counts."""

    url: str
    client: "SQSClient"

    def send(self, *bodies: str) -> None:
        """The bodies are in the queue."""
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def left(self) -> int:
        """How many messages are there, received ones that are not deleted included."""
        counted = self.client.get_queue_attributes(
            QueueUrl=self.url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        return sum(int(count) for count in counted["Attributes"].values())


@pytest.fixture(scope="session")
def sqs_address() -> Iterator[str]:
    """Where SQS is spoken, without an account."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(sqs_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The variables by which boto3 finds SQS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", sqs_address)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    return sqs_address


@pytest.fixture
def queue(aws: str, request: pytest.FixtureRequest) -> Iterator[Queue]:
    """A queue of the test's own."""
    client = boto3.client("sqs", region_name=REGION)
    url = client.create_queue(QueueName=f"alarms-{abs(hash(request.node.nodeid))}")["QueueUrl"]
    yield Queue(url=url, client=client)
    client.delete_queue(QueueUrl=url)


Ingest = Callable[..., Awaitable[Service]]


@pytest.fixture
async def ingest(make_bus: MakeBus, queue: Queue) -> AsyncIterator[Ingest]:
    """`await ingest(**settings)`: the service, started, reading the queue; stopped at the end."""
    started: list[Service] = []

    async def start(**changes: object) -> Service:
        values: dict[str, object] = {
            "queue_url": queue.url,
            "queue_wait_seconds": 1,
            "aws_region": REGION,
        }
        values |= {"catch_up": False} | changes
        bus = make_bus("ingest", Settings, **values)
        assert isinstance(bus.settings, Settings)
        service = build(bus.settings, bus)
        await service.start()
        started.append(service)
        return service

    yield start
    for service in started:
        if service.health.started:
            await service.stop()
