"""The variables that point each service at a foreign world, and the files that they name."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.toolrunner.adapters.lock_file import load_lock
from services.toolrunner.settings import LOCK, SHIPPED_POLICIES
from simulator.redis_server import free_port
from tests.loop.foreign_world import CALLS, CHANNEL, MODEL, NAMESPACE, REPOSITORY, World
from tests.toolrunner.foreign import pin, pinned
from tests.toolrunner.policies import write_policy


@dataclass(frozen=True)
class Foreign:
    """The foreign world as it listens: its addresses, and files that name it."""

    world: World
    ports: dict[str, int]
    folder: Path
    redis_url: str
    servers_port: str
    servers_token: str

    def address(self, name: str) -> str:
        """Where a stand-in listens."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def variables(self, service: str) -> dict[str, str]:
        """What one service gets: its own border, nobody else's."""
        own: dict[str, Callable[[], dict[str, str]]] = {
            "ingest": self._ingest,
            "reasoner": self._reasoner,
            "toolrunner": self._toolrunner,
            "toolrunner.servers": self._servers,
            "notifier": self._notifier,
        }
        shared = {
            "REDIS_URL": self.redis_url,
            "NIGHTSHIFT_HTTP_PORT": str(free_port()),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.address("traces"),
        }
        return shared | own[service]()

    def _ingest(self) -> dict[str, str]:
        return {
            "NIGHTSHIFT_QUEUE_URL": f"{self.address('queue')}/123456789012/alarms",
            "AWS_ENDPOINT_URL": self.address("queue"),
            "AWS_REGION": "eu-west-2",
            "AWS_ACCESS_KEY_ID": secrets.token_hex(10),
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        }

    def _reasoner(self) -> dict[str, str]:
        return {
            "ANTHROPIC_API_KEY": self.world.model_key,
            "ANTHROPIC_BASE_URL": self.address("model"),
            "NIGHTSHIFT_MODEL": MODEL,
        }

    def _toolrunner(self) -> dict[str, str]:
        return {
            "NIGHTSHIFT_MCP_SERVERS": str(self.folder / "servers.json"),
            "NIGHTSHIFT_POLICY_DIR": str(self.folder),
            "NIGHTSHIFT_NAMESPACES": NAMESPACE,
            "NIGHTSHIFT_REPOSITORY": REPOSITORY,
        }

    def _servers(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "NIGHTSHIFT_NAMESPACES": NAMESPACE,
            "GITHUB_API_URL": self.address("github"),
            "GITHUB_TOKEN": self.world.github_token,
            "NIGHTSHIFT_REPOSITORY": REPOSITORY,
            "NIGHTSHIFT_SERVERS_PORT": self.servers_port,
            "NIGHTSHIFT_SERVERS_TOKEN": self.servers_token,
        }

    def _notifier(self) -> dict[str, str]:
        return {
            "SLACK_API_URL": f"{self.address('slack')}/api/",
            "SLACK_BOT_TOKEN": self.world.slack_token,
            "NIGHTSHIFT_SLACK_CHANNEL": CHANNEL,
            "NIGHTSHIFT_SLACK_PACE": "1000",
        }

    def write_files(self) -> None:
        """The `mcpServers` file, the policy, the lock and a kubeconfig stand in the folder.

        One server is foreign; two are the built-in ones, as a process of their own.
        """
        own = f"http://127.0.0.1:{self.servers_port}"
        headers = {"Authorization": f"Bearer {self.servers_token}"}
        servers: dict[str, object] = {"shelf": {"url": f"{self.address('shelf')}/mcp"}}
        for name in ("kubernetes", "github"):
            servers[name] = {"url": f"{own}/{name}/mcp", "headers": headers}
        write_policy(self.folder, *CALLS)
        cluster = {"server": self.address("cluster")}
        user = {"token": self.world.cluster_token}
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "pantry",
            "clusters": [{"name": "pantry", "cluster": cluster}],
            "users": [{"name": "pantry", "user": user}],
            "contexts": [{"name": "pantry", "context": {"cluster": "pantry", "user": "pantry"}}],
        }
        texts = {
            "servers.json": {"mcpServers": servers},
            "kubeconfig": kubeconfig,
        }
        for file, content in texts.items():
            (self.folder / file).write_text(json.dumps(content), encoding="utf-8")
        shipped = load_lock(SHIPPED_POLICIES / LOCK).servers
        own_pins = {name: shipped[name] for name in ("kubernetes", "github")}
        pin(self.folder, shelf=pinned(self.world.shelf_tools()), **own_pins)
