"""The built-in servers as an application, against stand-ins of what they read."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp_types import TextContent
from pydantic import SecretStr

from services.toolrunner.gaps import mark_for
from services.toolrunner.servers.app import build
from services.toolrunner.servers.settings import ServersSettings
from simulator.faults import Faults
from simulator.github import build_github
from simulator.kubernetes import build_kubernetes, make_certificate, write_kubeconfig
from simulator.request_log import RequestLog
from simulator.scenario import Scenario
from tests.toolrunner.foreign import serving


@dataclass
class BuiltIn:
    """The running servers: where they are, the token they want, what the stand-ins were asked."""

    port: int
    token: str
    log: RequestLog
    faults: Faults = field(default_factory=Faults)

    def url(self, server: str) -> str:
        """Where a server listens."""
        return f"http://127.0.0.1:{self.port}/{server}/mcp"

    def client(self, server: str) -> Client[StreamableHttpTransport]:
        """A client of one server."""
        return Client(StreamableHttpTransport(self.url(server), auth=self.token))

    async def ask(self, tool: str, **arguments: object) -> str:
        """What `<server>__<tool>` answered, `error: ` before it when it is an error.

        A remark has no mark any more: it is `~ …`, as a view shows it.
        """
        server, _, name = tool.partition("__")
        async with self.client(server) as client:
            answer = await client.call_tool_mcp(name, arguments)
        (part,) = answer.content
        assert isinstance(part, TextContent)
        assert answer.structured_content is None
        said = part.text.replace(f"-- {mark_for(f'Bearer {self.token}')} ", "")
        return f"error: {said}" if answer.is_error else said


@contextlib.asynccontextmanager
async def built_in(
    scenario: Scenario, folder: Path, *, faults: Faults | None = None, **changes: object
) -> AsyncIterator[BuiltIn]:
    """The servers against the scenario's cluster and repository, with those settings changed."""
    faults = faults or Faults()
    log = RequestLog(folder / "requests.jsonl")
    files = make_certificate(folder)
    tokens = {name: secrets.token_hex(16) for name in ("kubernetes", "github", "servers")}
    user = "system:serviceaccount:nightshift:toolrunner"
    cluster = serving(
        build_kubernetes(scenario, log, tokens={tokens["kubernetes"]: user}, faults=faults),
        certificate=files.certificate,
        key=files.key,
    )
    github = serving(build_github(scenario, log, token=tokens["github"], faults=faults))
    async with contextlib.AsyncExitStack() as stack:
        cluster_port = await stack.enter_async_context(cluster)
        github_port = await stack.enter_async_context(github)
        write_kubeconfig(
            folder / "kubeconfig",
            f"https://127.0.0.1:{cluster_port}",
            ca_file=files.ca,
            token=tokens["kubernetes"],
            namespace=scenario.cluster.namespace,
        )
        settings = ServersSettings.model_validate(
            {
                "servers_token": SecretStr(tokens["servers"]),
                "namespaces": f"{scenario.cluster.namespace}, elsewhere",
                "KUBECONFIG": str(folder / "kubeconfig"),
                "log_groups": "/boutique/*",
                "repository": scenario.repository.name,
                "GITHUB_API_URL": f"http://127.0.0.1:{github_port}",
                "GITHUB_TOKEN": SecretStr(tokens["github"]),
            }
            | changes
        )
        port = await stack.enter_async_context(serving(build(settings)))
        yield BuiltIn(port, tokens["servers"], log, faults)
