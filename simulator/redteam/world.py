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
from simulator.scenario import Scenario
from simulator.serving import Served
from simulator.world import Environment, World

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from simulator.aws import AwsStandIn

OWN_SERVERS = ("kubernetes", "github", "cloudwatch")
SCOPE = ("NIGHTSHIFT_NAMESPACES", "NIGHTSHIFT_REPOSITORY", "NIGHTSHIFT_LOG_GROUPS")
"""What the policy knows as configured."""
SERVERS = "toolrunner.servers"
"""The built-in MCP servers as a service of their own: the foreign one stands beside them."""


class HostileWorld(World):
    """The outside world of those attacks; `simulator.json` and the log lie in `state`.

    The attacker's own server listens on the port `attacker`, which the attacks name already.
    """

    def __init__(self, attacks: Sequence[Attack], state: Path, *, attacker: int) -> None:
        super().__init__(stage(attacks), state, seconds_per_reply=0.0)
        self._attacks = attacks
        self._attacker = Served(build_attacker(self.log), port=attacker)
        self._victim = Victim(attacks, self.log, attacker=self._attacker.address)
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
            "NIGHTSHIFT_LOG_GROUPS": "/boutique/*",
            "NIGHTSHIFT_SERVERS_PORT": str(self._port),
            "NIGHTSHIFT_SERVERS_TOKEN": self._password,
        }
        told = {name: text for name, text in found["toolrunner"].items() if name in SCOPE}
        found["toolrunner"] = told | {"NIGHTSHIFT_MCP_SERVERS": str(file)}
        return found
