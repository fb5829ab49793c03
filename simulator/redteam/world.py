"""The hostile world as it listens: the simulator's, a foreign server, and the attacker's own."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.redis_server import free_port
from simulator.redteam.attack import Attack
from simulator.redteam.attacker import build_attacker
from simulator.redteam.stage import stage
from simulator.redteam.toolbox import SERVER, build_toolbox
from simulator.redteam.victim import Victim
from simulator.request_log import RequestLog
from simulator.scenario import Scenario
from simulator.serving import Served
from simulator.world import Environment, World

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from simulator.aws import AwsStandIn

OWN_SERVERS = ("kubernetes", "github", "cloudwatch")
SERVERS = "toolrunner.servers"
"""The built-in MCP servers as a service of their own: the foreign one stands beside them."""


class HostileWorld(World):
    """The outside world of those attacks; `simulator.json` and the log lie in `state`."""

    def __init__(self, attacks: Sequence[Attack], state: Path, *, seconds_per_reply: float) -> None:
        self._attacker = Served(build_attacker(RequestLog(state.resolve() / "requests.jsonl")))
        here = self._attacker.address
        self._attacks = [
            each.model_copy(
                update={
                    name: getattr(each, name).replace("{attacker}", here)
                    for name in ("order", "text")
                }
            )
            for each in attacks
        ]
        super().__init__(stage(self._attacks), state, seconds_per_reply=seconds_per_reply)
        self._victim = Victim(self._attacks, self.log, attacker=here)
        self._port, self._password = free_port(), secrets.token_hex(16)

    async def _start_all(self, starting_aws: "asyncio.Task[AwsStandIn]") -> dict[str, object]:
        await self._serve("attacker", self._attacker)
        await self._serve(SERVER, Served(build_toolbox(self._attacks, self.log)))
        return await super()._start_all(starting_aws)

    def _build(self, name: str, scenario: Scenario) -> "ASGIApp":
        from simulator.model import build_model

        if name != "model":
            return super()._build(name, scenario)
        return build_model(
            self._victim.reply,
            self.log,
            api_key=self._tokens["model"],
            seconds_per_reply=self._seconds_per_reply or 0.0,
        )

    def _environment(self, aws: "AwsStandIn") -> Environment:
        """The toolrunner holds no credential: they belong to the built-in servers' process."""
        found = super()._environment(aws)
        own = f"http://127.0.0.1:{self._port}"
        headers = {"Authorization": f"Bearer {self._password}"}
        servers: dict[str, object] = {
            name: {"url": f"{own}/{name}/mcp", "headers": headers} for name in OWN_SERVERS
        }
        servers[SERVER] = {"url": f"{self.addresses[SERVER]}/mcp"}
        file = self.state / "servers.json"
        file.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
        found[SERVERS] = found["toolrunner"] | {
            "NIGHTSHIFT_SERVERS_PORT": str(self._port),
            "NIGHTSHIFT_SERVERS_TOKEN": self._password,
        }
        found["toolrunner"] = {"NIGHTSHIFT_MCP_SERVERS": str(file)}
        return found
