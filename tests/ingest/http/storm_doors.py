"""The doors that a storm comes through, from the side of the senders, who try again as they do."""

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import aiohttp

from simulator.aws.sns_sender import SnsSender
from tests.ingest.bodies import flat_alarm
from tests.ingest.conftest import Queue
from tests.ingest.http.conftest import ALERTS, ALERTS_TOKEN, SNS, TOPIC

TRIES = 20
JSON = {"Content-Type": "application/json", "Authorization": f"Bearer {ALERTS_TOKEN}"}


@dataclass(frozen=True)
class Fired:
    """A kind of alarm at a moment; no two are the same."""

    kind: str
    moment: str


class Door(Protocol):
    """A way in."""

    async def send(self, fired: Sequence[Fired]) -> None:
        """They were handed over and acknowledged."""
        ...


@dataclass(frozen=True)
class BySqs:
    """They lie in the queue, ten in a request."""

    queue: Queue

    async def send(self, fired: Sequence[Fired]) -> None:
        """All of them are in the queue."""
        for at in range(0, len(fired), 10):
            await asyncio.to_thread(self._send, fired[at : at + 10])

    def _send(self, fired: Sequence[Fired]) -> None:
        bodies = [flat_alarm(each.kind, StateChangeTime=each.moment) for each in fired]
        self.queue.client.send_message_batch(
            QueueUrl=self.queue.url,
            Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)],
        )


@dataclass
class ByHttp:
    """Posts until 200 is answered, a second apart; what else was answered is counted."""

    client: aiohttp.ClientSession
    address: str
    answers: dict[int, int] = field(default_factory=dict)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """It was acknowledged; raises TimeoutError after twenty refusals."""
        for _ in range(TRIES):
            url = f"{self.address}{path}"
            async with self.client.post(url, data=io.BytesIO(body), headers=headers) as answer:
                self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
                if answer.status == HTTPStatus.OK:
                    return
            await asyncio.sleep(1)
        raise TimeoutError(f"{path} never acknowledged; it answered {self.answers}")


@dataclass(frozen=True)
class BySns:
    """SNS posts every message by itself, signed."""

    http: ByHttp
    sender: SnsSender

    async def send(self, fired: Sequence[Fired]) -> None:
        """All of them were acknowledged."""
        await asyncio.gather(*(self._send(each) for each in fired))

    async def _send(self, fired: Fired) -> None:
        body = flat_alarm(fired.kind, StateChangeTime=fired.moment)
        posted = self.sender.notification(body, topic_arn=TOPIC, version="2")
        await self.http.post(SNS, posted.body, posted.headers)


@dataclass(frozen=True)
class ByAlertmanager:
    """Alertmanager posts a group of one alert name at once."""

    http: ByHttp

    async def send(self, fired: Sequence[Fired]) -> None:
        """All of them were acknowledged, in one request for each kind."""
        groups: dict[str, list[Fired]] = {}
        for each in fired:
            groups.setdefault(each.kind, []).append(each)
        await asyncio.gather(*(self._send(kind, group) for kind, group in groups.items()))

    async def _send(self, kind: str, group: Sequence[Fired]) -> None:
        labels = {"alertname": kind, "service": "cartservice"}
        alerts = [
            {"status": "firing", "labels": labels, "annotations": {}, "startsAt": each.moment}
            for each in group
        ]
        said = {"version": "4", "status": "firing", "receiver": "nightshift", "alerts": alerts}
        body = said | {"groupLabels": {"alertname": kind}, "externalURL": "http://alerts.test"}
        await self.http.post(ALERTS, json.dumps(body).encode(), JSON)
