"""An outside world that is not ours: the smallest servers that speak each protocol, and check it.

Nothing here knows the simulator, so what the services need of it shows.
"""

import asyncio
import base64
import json
import random
import re
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fastmcp import FastMCP
from fastmcp.tools import Tool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.bus.planted_secrets import Planted
from tests.bus.secret_settings import planted

MODEL = "foreign-model-1"
CHANNEL = "C0FOREIGN1"
NAMESPACE = "pantry"
REPOSITORY = "somebody/pantry"
SOURCE = "src/shelf.py"
BODY_FIELDS = {"model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking"}
CALLS: dict[str, dict[str, object]] = {
    "shelf__read_notes": {"topic": "jam"},
    "kubernetes__list_pods": {"namespace": NAMESPACE},
    "github__get_file_contents": {"path": SOURCE},
}
"""What the model asks for in its first turn; it quotes a line of each answer in its second."""
MARKED = re.compile(r"<result (\S+) \S+>\n(.*?)\n</result", re.DOTALL)


@dataclass
class World:
    """Keys that the outside expects, words that only it knows, and what it was asked."""

    model_key: str = field(default_factory=lambda: secrets.token_hex(16))
    slack_token: str = field(default_factory=lambda: secrets.token_hex(16))
    github_token: str = field(default_factory=lambda: secrets.token_hex(16))
    cluster_token: str = field(default_factory=lambda: secrets.token_hex(16))
    word: str = field(default_factory=lambda: secrets.token_hex(6))
    """Stands in every tool's answer: who did not read the answers cannot know it."""
    planted: tuple[Planted, ...] = field(
        default_factory=lambda: tuple(planted(random.Random("shelf"), 300))
    )
    """Secrets that stand in the notes and in the alarm; nobody outside may get them."""
    heard: list[str] = field(default_factory=list)
    """Everything that the model was sent."""
    faults: list[str] = field(default_factory=list)
    """What a stand-in had to refuse; empty while the services speak every protocol well."""
    asked: "Counter[str]" = field(default_factory=Counter)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    replies: list[dict[str, Any]] = field(default_factory=list)
    alarms: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    deleted: list[str] = field(default_factory=list)

    def apps(self) -> dict[str, ASGIApp]:
        """One application for each outside system, by name."""
        return {
            "model": _app("/v1/messages", _Model(self).answer),
            "slack": _app("/api/{method}", _Slack(self).answer),
            "queue": _app("/", self._queue),
            "cluster": _app("/{path:path}", self._cluster),
            "github": _app("/{path:path}", self._github),
            "traces": _app("/v1/traces", self._traces),
            "shelf": self._shelf(),
        }

    def refuse(self, status: int, reason: str) -> Response:
        """An error answer that the test hears of."""
        self.faults.append(f"{status} {reason}")
        return JSONResponse({"type": "error", "error": {"message": reason}}, status)

    def shelf_tools(self) -> list[Tool]:
        """What the foreign MCP server lists."""

        def read_notes(topic: str) -> str:
            """Notes about a topic."""
            self.asked["shelf read_notes"] += 1
            notes = f"notes about {topic}\nthe {topic} shelf is empty since {self.word}"
            return "\n---\n".join((notes, *(one.text for one in self.planted)))

        def burn_notes(topic: str) -> str:
            """A tool that no policy names."""
            self.asked["shelf burn_notes"] += 1
            return topic

        return [Tool.from_function(read_notes), Tool.from_function(burn_notes)]

    def _shelf(self) -> ASGIApp:
        server: FastMCP[None] = FastMCP("shelf")
        for tool in self.shelf_tools():
            server.add_tool(tool)
        return server.http_app(path="/mcp")

    async def _queue(self, request: Request) -> Response:
        action = request.headers["x-amz-target"].rpartition(".")[2]
        self.asked[f"queue {action}"] += 1
        wanted = json.loads(await request.body())
        if action == "ReceiveMessage":
            try:
                body = await asyncio.wait_for(self.alarms.get(), 0.5)
            except TimeoutError:
                return JSONResponse({})
            message = {"MessageId": "m-1", "ReceiptHandle": "receipt-1", "Body": body}
            return JSONResponse({"Messages": [message]})
        self.deleted += [entry["ReceiptHandle"] for entry in wanted.get("Entries", [])]
        done = [{"Id": entry["Id"]} for entry in wanted.get("Entries", [])]
        return JSONResponse({"Successful": done, "Failed": []})

    async def _cluster(self, request: Request) -> Response:
        self.asked[f"cluster {request.method} {request.url.path}"] += 1
        if request.headers.get("authorization") != f"Bearer {self.cluster_token}":
            return self.refuse(401, "cluster: no token")
        pod = {
            "metadata": {"name": f"shelf-{self.word}", "namespace": NAMESPACE},
            "spec": {"containers": [{"name": "shelf", "image": "shelf:1"}]},
            "status": {"phase": "Running"},
        }
        return JSONResponse({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [pod]})

    async def _github(self, request: Request) -> Response:
        self.asked[f"github {request.method} {request.url.path}"] += 1
        if self.github_token not in request.headers.get("authorization", ""):
            return self.refuse(401, "github: no token")
        text = f"def restock():\n    raise ShelfEmpty('{self.word}')\n"
        content = base64.b64encode(text.encode()).decode()
        file = {"type": "file", "encoding": "base64", "size": len(text), "content": content}
        return JSONResponse(file | {"name": "shelf.py", "path": SOURCE, "sha": "0" * 40})

    async def _traces(self, request: Request) -> Response:
        self.asked["traces"] += bool(await request.body())
        return Response(b"", media_type="application/x-protobuf")


@dataclass
class _Model:
    world: World

    async def answer(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.world.heard.append(json.dumps(body, ensure_ascii=False))
        self.world.asked["model"] += 1
        if request.headers.get("authorization") != f"Bearer {self.world.model_key}":
            return self.world.refuse(401, "model: no key")
        if not re.match(r"^\d{4}-\d{2}-\d{2}$", request.headers.get("anthropic-version", "")):
            return self.world.refuse(400, "model: anthropic-version is missing")
        if unknown := set(body) - BODY_FIELDS:
            return self.world.refuse(400, f"model: unknown fields {sorted(unknown)}")
        if body["model"] != MODEL:
            return self.world.refuse(404, f"model: {body['model']} is not known")
        return self._reply(body)

    def _reply(self, body: dict[str, Any]) -> Response:
        last = body["messages"][-1]["content"]
        answers = [block for block in last if block["type"] == "tool_result"]
        offered = {tool["name"] for tool in body["tools"]}
        if missing := {*CALLS, "submit_diagnosis"} - offered:
            return self.world.refuse(400, f"model: {sorted(missing)} are not offered")
        if not answers:
            uses = [_use(f"toolu_{name}", name, CALLS[name]) for name in CALLS]
        elif len(answers) != len(CALLS):
            return self.world.refuse(400, "model: every tool_use needs its tool_result")
        else:
            uses = [_use("toolu_end", "submit_diagnosis", self._diagnosis(answers))]
        usage = {"input_tokens": 700, "output_tokens": 60}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL}
        end = {"stop_reason": "tool_use", "stop_sequence": None, "usage": usage}
        return JSONResponse(message | {"content": uses} | end)

    def _diagnosis(self, answers: list[dict[str, Any]]) -> dict[str, object]:
        shown = [MARKED.search(str(answer["content"])) for answer in answers]
        return {
            "verdict": "fault",
            "summary": "The shelf is empty.",
            "root_cause": "Nobody restocked the shelf.",
            "component": "shelf-empty",
            "evidence": [
                {"call_id": found[1], "quote": self._told_line(found[2])}
                for found in shown
                if found
            ],
            "ruled_out": [],
            "gaps": [],
            "confidence": "medium",
        }

    def _told_line(self, shown: str) -> str:
        numbered = re.findall(r"^\d+\| (.*)$", shown, re.MULTILINE)
        return next((line for line in numbered if self.world.word in line), "nothing was shown")


@dataclass
class _Slack:
    world: World

    async def answer(self, request: Request) -> Response:
        method = request.path_params["method"]
        self.world.asked[f"slack {method}"] += 1
        if request.headers.get("authorization") != f"Bearer {self.world.slack_token}":
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        given = await _arguments(request)
        if method == "auth.test":
            return JSONResponse({"ok": True, "team_id": "T0FOREIGN1", "bot_id": "B0FOREIGN1"})
        if method.startswith("files.") or given["channel"] != CHANNEL:
            word = "missing_scope" if method.startswith("files.") else "channel_not_found"
            return JSONResponse({"ok": False, "error": word})
        if method == "conversations.history":
            return JSONResponse({"ok": True, "messages": list(self.world.messages.values())})
        if thread_ts := given.get("thread_ts"):
            return self._reply(given, str(thread_ts))
        ts = str(given.get("ts") or f"{1_700_000_000 + len(self.world.messages)}.000100")
        self.world.messages[ts] = given | {"ts": ts}
        return JSONResponse({"ok": True, "channel": CHANNEL, "ts": ts})

    def _reply(self, given: dict[str, Any], thread_ts: str) -> Response:
        if thread_ts not in self.world.messages:
            return JSONResponse({"ok": False, "error": "thread_not_found"})
        self.world.replies.append(given)
        ts = f"{1_800_000_000 + len(self.world.replies)}.000100"
        return JSONResponse({"ok": True, "channel": CHANNEL, "ts": ts})


def _app(path: str, answer: Any) -> ASGIApp:
    return Starlette(routes=[Route(path, answer, methods=["GET", "POST"])])


def _use(tool_use_id: str, name: str, arguments: dict[str, object]) -> dict[str, object]:
    return {"type": "tool_use", "id": tool_use_id, "name": name, "input": arguments}


async def _arguments(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("application/json"):
        given: dict[str, Any] = json.loads(await request.body())
        return given
    return dict(await request.form()) | dict(request.query_params)
