"""The alarm queue in SQS. boto3 blocks: every call has a thread that nobody waits for at exit."""

import asyncio
import contextlib
import logging
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bus.errors import NotConfigured, Unavailable
from services.ingest.ports import NotPermitted, QueueMessage
from services.ingest.settings import Settings
from services.ingest.sns_addresses import REGION, SUFFIXES

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

log = logging.getLogger(__name__)
T = TypeVar("T")
RELEASED_AFTER_SECONDS = 5
_REGION = re.compile(
    rf"^https?://(?:sqs(?:-fips)?\.)?({REGION})\.(?:queue\.)?"
    rf"(?:{'|'.join(map(re.escape, sorted({*SUFFIXES.values()})))})(?=[:/]|$)"
)


class SqsQueue:
    """Long polls, deletes and releases. Raises NotConfigured when no region can be found."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        try:
            self._session = boto3.session.Session()
            self._region = region_of(settings, self._session)
        except BotoCoreError as error:
            raise NotConfigured(f"AWS settings: {error}") from error

    async def receive(self) -> Sequence[QueueMessage]:
        """Up to ten messages; raises Unavailable with what SQS or the network said."""
        return await in_thread(self._receive, unwanted=self._put_back)

    async def delete(self, receipts: Sequence[str]) -> None:
        """At most ten messages are gone; one that SQS kept will come again and be a duplicate."""
        await in_thread(lambda: self._delete(receipts))

    async def release(self, receipt: str, *, at_once: bool = False) -> None:
        """The message is visible again, in a few seconds or at once."""
        seconds = 0 if at_once else RELEASED_AFTER_SECONDS
        await in_thread(lambda: self._hide(receipt, seconds))

    async def keep(self, receipt: str) -> None:
        """The message stays hidden for as long again as a received one."""
        await in_thread(lambda: self._hide(receipt, self._settings.queue_visibility_seconds))

    @cached_property
    def _client(self) -> "SQSClient":
        wait = self._settings.queue_wait_seconds
        return self._session.client(
            "sqs",
            region_name=self._region,
            config=Config(
                connect_timeout=5,
                read_timeout=wait + 10,
                retries={"total_max_attempts": 1},
                max_pool_connections=20,
            ),
        )

    def _receive(self) -> Sequence[QueueMessage]:
        answer = self._client.receive_message(
            QueueUrl=self._settings.queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=self._settings.queue_wait_seconds,
            VisibilityTimeout=self._settings.queue_visibility_seconds,
            MessageSystemAttributeNames=["MessageGroupId"],
        )
        return [
            QueueMessage(
                body=message["Body"],
                receipt=message["ReceiptHandle"],
                group=message.get("Attributes", {}).get("MessageGroupId", ""),
            )
            for message in answer.get("Messages", ())
        ]

    def _delete(self, receipts: Sequence[str]) -> None:
        answer = self._client.delete_message_batch(
            QueueUrl=self._settings.queue_url,
            Entries=[{"Id": str(at), "ReceiptHandle": text} for at, text in enumerate(receipts)],
        )
        for failed in answer.get("Failed", ()):
            log.warning("SQS kept a handled message: %s", failed.get("Message", failed["Code"]))

    def _hide(self, receipt: str, seconds: int) -> None:
        self._client.change_message_visibility(
            QueueUrl=self._settings.queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )

    def _put_back(self, messages: Sequence[QueueMessage]) -> None:
        for message in messages:
            self._hide(message.receipt, 0)


async def in_thread(
    work: Callable[[], T],
    *,
    asks: str = "SQS",
    unwanted: Callable[[T], None] | None = None,
) -> T:
    """What `work` returns, from a daemon thread: a long poll must not hold up a shutdown.

    When the caller was cancelled meanwhile, `unwanted` gets the result, in the thread. What goes
    wrong names the service that it asks.
    """
    promise: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            if promise.set_running_or_notify_cancel():
                promise.set_exception(_answer_to(error, asks=asks))
            return
        if promise.set_running_or_notify_cancel():
            promise.set_result(result)
        elif unwanted is not None:
            with contextlib.suppress(BotoCoreError, ClientError):
                unwanted(result)

    threading.Thread(target=run, name="aws", daemon=True).start()
    return await asyncio.wrap_future(promise)


def _answer_to(error: Exception, *, asks: str) -> Exception:
    """The outside's errors as Unavailable; one of ours stays what it is."""
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        told = f"{said.get('Code', '')} {said.get('Message', '')}".strip()
        refused = "AccessDenied" in said.get("Code", "") and asks == "CloudWatch"
        return (NotPermitted if refused else Unavailable)(f"{asks} refuses: {told}")
    if isinstance(error, BotoCoreError):
        return Unavailable(f"{asks} cannot be reached: {error}")
    # boto3 says so when an address or a region is no such thing; trying again would not help.
    return NotConfigured(f"AWS settings: {error}") if isinstance(error, ValueError) else error


def region_of(settings: Settings, session: boto3.session.Session) -> str:
    """The queue's region. Raises NotConfigured where nothing tells it."""
    found = settings.aws_region or session.region_name
    if not found and (written := _REGION.match(settings.queue_url)):
        found = written[1]
    if not found:
        raise NotConfigured("the queue's region is unknown: set AWS_REGION")
    return found
