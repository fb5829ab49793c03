"""The adapter of SQS over the wire (moto): what keeps, hands back and groups messages."""

import boto3
import pytest

from bus.errors import Unavailable
from services.ingest.adapters.cloudwatch import CloudWatchAlarms
from services.ingest.adapters.sqs import SqsQueue
from services.ingest.settings import Settings
from tests.ingest.bodies import REGION
from tests.ingest.conftest import Queue


def adapter(url: str) -> SqsQueue:
    return SqsQueue(Settings(queue_url=url, queue_wait_seconds=0, queue_visibility_seconds=30))


async def test_a_message_handed_back_at_once_is_there_again_and_a_kept_one_is_not(
    queue: Queue,
) -> None:
    queue.send("a", "b")
    sqs = adapter(queue.url)
    received = {message.body: message for message in await sqs.receive()}

    await sqs.keep(received["a"].receipt)
    await sqs.release(received["b"].receipt, at_once=True)

    assert [message.body for message in await sqs.receive()] == ["b"]


async def test_a_message_of_a_fifo_queue_says_its_group(aws: str) -> None:
    client = boto3.client("sqs", region_name=REGION)
    url = client.create_queue(
        QueueName="alarms.fifo",
        Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"},
    )["QueueUrl"]
    for body in ("alarm", "ok"):
        client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="cart")

    received = await adapter(url).receive()

    assert [(message.body, message.group) for message in received] == [
        ("alarm", "cart"),
        ("ok", "cart"),
    ]
    client.delete_queue(QueueUrl=url)


async def test_what_cannot_be_reached_is_named_be_it_sqs_or_cloudwatch(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happened: readiness said `AWS`, when catching up came to share the adapter's threads."""
    nowhere = "http://127.0.0.1:9"
    monkeypatch.setenv("AWS_ENDPOINT_URL", nowhere)
    settings = Settings(queue_url=f"{nowhere}/210987654321/alarms", queue_wait_seconds=0)

    with pytest.raises(Unavailable, match=r"^SQS cannot be reached"):
        await SqsQueue(settings).receive()
    with pytest.raises(Unavailable, match=r"^CloudWatch cannot be reached"):
        await anext(CloudWatchAlarms(settings).pages())
