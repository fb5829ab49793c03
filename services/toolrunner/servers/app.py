"""Three servers in one HTTP application: `/kubernetes/mcp`, `/github/mcp`, `/cloudwatch/mcp`."""

import hmac
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, TokenVerifier
from mcp_types import ToolAnnotations
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from services.toolrunner.servers.cloudwatch import CloudWatch
from services.toolrunner.servers.cluster import Cluster
from services.toolrunner.servers.not_late import refuse_late
from services.toolrunner.servers.repository import Repository
from services.toolrunner.servers.settings import ServersSettings

Tool = Callable[..., str]


class OneToken(TokenVerifier):
    """Lets a request pass that carries the one configured bearer token."""

    def __init__(self, token: SecretStr) -> None:
        super().__init__()
        self._token = token.get_secret_value().encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        """The caller when the token is ours, else None."""
        if not hmac.compare_digest(token.encode(), self._token):
            return None
        return AccessToken(token=token, client_id="toolrunner", scopes=[])


def build(settings: ServersSettings) -> Starlette:
    """The application; nothing outside is reached before the first call."""
    # FastMCP brings a log handler of its own; its lines go where all others go.
    logging.getLogger("fastmcp").handlers.clear()
    logging.getLogger("fastmcp").propagate = True
    cluster, cloudwatch = Cluster(settings), CloudWatch(settings)
    token = OneToken(settings.servers_token)
    apps = {
        name: _server(name, tools, token=token).http_app(
            path="/mcp", stateless_http=True, json_response=True, host_origin_protection=True
        )
        for name, tools in _tools(cluster, Repository(settings), cloudwatch=cloudwatch).items()
    }

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(cluster.close)
            stack.callback(cloudwatch.close)
            for app in apps.values():
                await stack.enter_async_context(app.lifespan(app))
            yield

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    mounts: list[BaseRoute] = [Mount(f"/{name}", app=app) for name, app in apps.items()]
    return Starlette(
        routes=[Route("/healthz", healthz), *mounts],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=refuse_late)],
        lifespan=lifespan,
    )


def servers(settings: ServersSettings) -> dict[str, FastMCP[None]]:
    """The servers by name, to be asked in this process; nothing outside is reached for that."""
    tools = _tools(Cluster(settings), Repository(settings), cloudwatch=CloudWatch(settings))
    token = OneToken(settings.servers_token)
    return {name: _server(name, each, token=token) for name, each in tools.items()}


def _tools(
    cluster: Cluster, repository: Repository, *, cloudwatch: CloudWatch
) -> dict[str, tuple[Tool, ...]]:
    return {
        "kubernetes": (
            cluster.list_pods,
            cluster.get_logs,
            cluster.describe_workload,
            cluster.list_events,
        ),
        "github": (
            repository.get_file_contents,
            repository.search_code,
            repository.list_commits,
        ),
        "cloudwatch": (
            cloudwatch.describe_alarm,
            cloudwatch.search_logs,
            cloudwatch.get_metric_points,
        ),
    }


def _server(name: str, tools: tuple[Tool, ...], *, token: OneToken) -> FastMCP[None]:
    server: FastMCP[None] = FastMCP(
        name, auth=token, mask_error_details=True, strict_input_validation=True
    )
    for tool in tools:
        # Without an output schema the text travels once, not a second time as structured content.
        server.tool(tool, annotations=ToolAnnotations(read_only_hint=True), output_schema=None)
    return server
