"""The outside world of recorded incidents: evidence, chat, traces, and a scripted model or none."""

import contextlib
import json
import secrets
from functools import partial
from pathlib import Path

from simulator.cases.cast import Cast
from simulator.cases.evidence import SERVER, build_evidence
from simulator.cases.script import case_reply
from simulator.doors import CHANNEL
from simulator.request_log import RequestLog
from simulator.serving import Served
from simulator.world import STATE_FILE, Environment, write_atomically

LOCK = Path(__file__).with_name("tools.lock.json")
"""The pinned tools of the evidence server; a test holds it to what that server lists."""
_POLICY = f"""
@id("evidence-read")
@reason("What was recorded of the incident may be read.")
permit (principal, action in Action::"{SERVER}:read", resource == Server::"{SERVER}");
"""


class CaseWorld:
    """What the services of an evaluation reach; everything it writes lies in the folder `state`.

    Without `seconds_per_reply` there is no scripted model.
    """

    def __init__(self, cast: Cast, state: Path, *, seconds_per_reply: float | None) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.state = state.resolve()
        self._cast = cast
        self._seconds_per_reply = seconds_per_reply
        self._log = RequestLog(self.state / "requests.jsonl")
        self._listeners: list[Served] = []
        self._key, self._chat_token = secrets.token_hex(16), secrets.token_hex(16)

    async def __aenter__(self) -> dict[str, object]:
        """All of it answers, and `simulator.json` says where; that is what is returned."""
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self._stop)
            described = await self._start()
            write_atomically(self.state / STATE_FILE, described)
            undo.pop_all()
        return described

    async def __aexit__(self, *_error: object) -> None:
        await self._stop()

    async def _start(self) -> dict[str, object]:
        from simulator.model import build_model
        from simulator.otlp import SpanStore, build_otlp
        from simulator.slack import SlackStandIn, build_slack

        slack, spans = SlackStandIn({CHANNEL: "incidents"}), SpanStore()
        chat = build_slack(self._log, self._chat_token, stand_in=slack)
        at = {
            "slack": await self._serve(Served(chat)),
            "otlp": await self._serve(Served(build_otlp(spans, self._log))),
            "evidence": await self._serve(Served(build_evidence(self._cast, self._log))),
        }
        if self._seconds_per_reply is not None:
            reply = partial(case_reply, self._cast)
            seconds = self._seconds_per_reply
            app = build_model(reply, self._log, api_key=self._key, seconds_per_reply=seconds)
            at["model"] = await self._serve(Served(app))
        return {"addresses": at, "environment": self._environment(at)}

    async def _serve(self, listener: Served) -> str:
        self._listeners.append(listener)
        return await listener.start()

    async def _stop(self) -> None:
        (self.state / STATE_FILE).unlink(missing_ok=True)
        for listener in self._listeners:
            await listener.stop()

    def _environment(self, at: dict[str, str]) -> Environment:
        servers = {"mcpServers": {SERVER: {"url": f"{at['evidence']}/mcp"}}}
        servers_file, policies = self.state / "servers.json", self.state / "policies"
        servers_file.write_text(json.dumps(servers), encoding="utf-8")
        policies.mkdir(exist_ok=True)
        (policies / "evidence.cedar").write_text(_POLICY, encoding="utf-8")
        scripted = {"ANTHROPIC_BASE_URL": at.get("model", ""), "ANTHROPIC_API_KEY": self._key}
        return {
            "reasoner": scripted if "model" in at else {},
            "toolrunner": {
                "NIGHTSHIFT_MCP_SERVERS": str(servers_file),
                "NIGHTSHIFT_POLICY_DIR": str(policies),
                "NIGHTSHIFT_TOOLS_LOCK": str(LOCK),
            },
            "notifier": {
                "SLACK_API_URL": f"{at['slack']}/api/",
                "SLACK_BOT_TOKEN": self._chat_token,
                "NIGHTSHIFT_SLACK_CHANNEL": CHANNEL,
                "NIGHTSHIFT_SLACK_PACE": "1000",
            },
            "all": {"OTEL_EXPORTER_OTLP_ENDPOINT": at["otlp"]},
        }
