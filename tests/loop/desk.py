"""What a test sees of a running stack: Redis, Slack, the stand-ins' logs, the traces."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from redis import Redis

from bus.connection import as_text
from bus.record import Record, record_from
from bus.tracing import root_of
from cli.stack import Stack, call
from simulator.otlp import Span
from simulator.slack import render_message

PREFIX = "nightshift:"
UNLIMITED = {
    "NIGHTSHIFT_MAX_NEW": "100000",
    "NIGHTSHIFT_MAX_OPEN": "100000",
    "NIGHTSHIFT_SOURCE_BURST": "100000",
}
"""A stack's load is the test's: no new problem waits or is folded (tests/ingest has the storms)."""
SHARED = UNLIMITED | {"NIGHTSHIFT_REPEAT_SECONDS": "0", "NIGHTSHIFT_CATCH_UP": "false"}
"""For a stack that several tests share: what one of them fired is no repeat for the next."""


@dataclass(frozen=True)
class Desk:
    """A running stack and a connection to its Redis."""

    stack: Stack
    redis: "Redis"

    def publish(self, **values: object) -> str:
        """Open an incident as `redis-cli` would; its id."""
        return self.add(json.dumps(values))

    def add(self, text: str) -> str:
        """Append an entry with only `data`; the id its incident gets."""
        return f"inc-{as_text(self.redis.xadd(PREFIX + 'incidents', {'data': text}))}"

    def alarm_body(self, body: str) -> None:
        """Put an alarm body into the queue as it is."""
        url = f"{self.stack.control}/_simulator/alarm-body"
        with urlopen(Request(url, body.encode(), method="POST"), timeout=10):
            pass

    def record(self, incident_id: str) -> Record | None:
        """The investigation's record as it stands."""
        raw: Any = self.redis.hgetall(f"{PREFIX}{incident_id}:record")
        if not raw:
            return None
        return record_from({as_text(name): as_text(value) for name, value in raw.items()})

    def turn(self, incident_id: str) -> int:
        """The investigation's turn, 0 while it has no record."""
        record = self.record(incident_id)
        return record.turn if record else 0

    def incidents(self) -> list[str]:
        """Ids of all investigations that have a record."""
        keys: list[Any] = list(self.redis.scan_iter(match=f"{PREFIX}*:record"))
        return sorted(as_text(key).removeprefix(PREFIX).removesuffix(":record") for key in keys)

    def entries(self, stream: str) -> list[dict[str, str]]:
        """The fields of every entry on a stream."""
        rows: Any = self.redis.xrange(PREFIX + stream)
        return [
            {as_text(name): as_text(value) for name, value in fields.items()} for _, fields in rows
        ]

    def stopped(self, incident_id: str) -> bool:
        """Whether the stop signal of that investigation was sent."""
        return any(
            entry.get("event") == "InvestigationStopped" and incident_id in entry["data"]
            for entry in self.entries("stops")
        )

    def messages(self, incident_id: str) -> list[dict[str, Any]]:
        """The top-level Slack messages of an incident."""
        found = call(f"{self.stack.control}/_simulator/messages")["messages"]
        return [
            message
            for message in found
            if not message.get("thread_ts")
            and (message.get("metadata") or {}).get("event_payload", {}).get("incident_id")
            == incident_id
        ]

    def card(self, incident_id: str) -> str:
        """The incident's one message as a person reads it."""
        (message,) = self.messages(incident_id)
        return render_message(message)

    def thread(self, incident_id: str) -> list[str]:
        """What stands in the thread of the incident's message: each text, or file with its name."""
        (first,) = self.messages(incident_id)
        found = call(f"{self.stack.control}/_simulator/messages")["messages"]
        return [
            "\n".join(f"{file['name']}: {file['content']}" for file in said["files"])
            or render_message(said)
            for said in found
            if said.get("thread_ts") == first["ts"]
        ]

    def requests(self, stand_in: str) -> list[dict[str, Any]]:
        """What a stand-in was asked."""
        url = f"{self.stack.control}/_simulator/requests?stand_in={stand_in}"
        found: list[dict[str, Any]] = call(url)["requests"]
        return found

    def spans(self, incident_id: str) -> list[Span]:
        """The spans of the incident's trace that have arrived."""
        traces = call(f"{self.stack.control}/_simulator/traces")["traces"]
        trace_id = root_of(incident_id).trace_id
        if trace_id not in [trace["trace_id"] for trace in traces]:
            return []
        found = call(f"{self.stack.control}/_simulator/traces/{trace_id}")["spans"]
        return [Span(**span) for span in found]

    def get(self, url: str) -> tuple[int, str]:
        """Status and text of a page."""
        with urlopen(url, timeout=5) as answer:
            return int(answer.status), answer.read().decode()

    def wait(self, what: str, condition: Callable[[], object], seconds: float = 20) -> None:
        """The condition holds afterwards; fails when a process ends or time runs out."""
        self.stack.wait(what, lambda: bool(condition()), seconds=seconds)

    def wait_for_end(self, incident_id: str, seconds: float = 20) -> Record:
        """The ended record, once its stop signal was sent."""
        self.wait(f"the end of {incident_id}", lambda: self.stopped(incident_id), seconds)
        record = self.record(incident_id)
        assert record is not None
        assert record.state == "ended"
        return record


def quiet(_: str) -> None:
    """Say nothing."""
