"""Slack for a test: the stand-in on the wire, what it can do wrong, and what it was told."""

import json
from collections import defaultdict
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.faults import Faults as PlannedFaults
from simulator.request_log import RequestLog
from simulator.slack import SlackStandIn
from simulator.slack.limits import Limits
from simulator.slack.store import Message as SlackMessage

CHANNEL = "C0INCIDENTS"
TOKEN = "-".join(("xoxb", "for", "tests"))


@dataclass
class Faults:
    """An app in front of Slack; `next[method]` lists what happens to its next calls.

    `503`: refused before Slack saw it. `429`: refused with Retry-After 1; `429 unsaid`: without,
    and with a page in place of JSON. `lost`: Slack does
    it, and the answer is a 502. `cut`: Slack does it, and the connection breaks. `mute`: Slack does
    it and answers nothing. `hung`: it never reaches Slack, and nothing is answered. `astray`: Slack
    puts a reply into the channel.
    """

    app: ASGIApp
    next: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    happened: list[tuple[str, str]] = field(default_factory=list)
    always: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as Slack, or as told."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["path"].rpartition("/")[2]
        fault = self.always or (self.next[method].pop(0) if self.next[method] else "")
        self.happened.append((method, fault))
        if fault in ("lost", "cut"):
            await self.app(scope, receive, _nowhere)
            await (_answer(send, "502") if fault == "lost" else _break_off(send))
        elif fault == "astray":
            await self.app(scope, _without_thread(await receive()), send)
        elif fault in ("mute", "hung"):
            if fault == "mute":
                await self.app(scope, receive, _nowhere)
            while (await receive())["type"] != "http.disconnect":
                pass
        elif fault:
            await _answer(send, fault)
        else:
            await self.app(scope, receive, send)


@dataclass
class Desk:
    """What a test of Slack output asks."""

    address: str
    faults: Faults
    stand_in: SlackStandIn
    log: RequestLog
    planned: PlannedFaults
    """What Slack itself is to answer wrong; `faults` stands before Slack."""
    limits: Limits
    """How often Slack may be called; a new desk has none."""

    @property
    def messages(self) -> list[SlackMessage]:
        """What stands in the channel, oldest first."""
        return self.stand_in.top_level(CHANNEL)

    def said(self, number: int = 0) -> str:
        """Everything that message shows, as one text."""
        now = self.messages[number].now
        return now.text + "\n" + "\n".join(texts(now.blocks))

    def calls(self, method: str) -> int:
        """How often a method was called, whatever was answered."""
        return sum(1 for called, _ in self.faults.happened if called == method)


def texts(value: object) -> list[str]:
    """Every text in blocks, in order."""
    if isinstance(value, list | tuple):
        return [text for part in value for text in texts(part)]
    if not isinstance(value, dict):
        return []
    own = value.get("text")
    return ([own] if isinstance(own, str) else []) + texts(list(value.values()))


def _without_thread(whole: Message) -> Receive:
    said = json.loads(whole["body"])
    del said["thread_ts"]
    body = json.dumps(said).ljust(len(whole["body"])).encode()

    async def receive() -> Message:
        return {**whole, "body": body}

    return receive


async def _nowhere(_message: Message) -> None:
    return None


async def _break_off(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"ok": tr'})


async def _answer(send: Send, fault: str) -> None:
    status, _, unsaid = fault.partition(" ")
    said = {"ok": False, "error": "ratelimited"} if status == "429" else {"ok": False}
    kind, body, more = b"application/json", json.dumps(said).encode(), [(b"retry-after", b"1")]
    if unsaid:
        kind, body = b"text/html", b"<html>slow down</html>"
    headers = [(b"content-type", kind), *(more if fault == "429" else [])]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
