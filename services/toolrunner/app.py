"""Composition root and routing table: settings -> adapters -> handlers -> streams."""

from bus.broker import Bus, Route
from bus.events import ToolCallRequested
from bus.process import Service, build_app
from bus.streams import TOOL_CALLS
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.mcp_servers import McpServers
from services.toolrunner.adapters.mcp_servers_file import (
    ServerEntry,
    built_in_servers,
    load_servers,
)
from services.toolrunner.adapters.own_servers import OwnServers
from services.toolrunner.adapters.redis_catalogue import PublishedCatalogue
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.audit import AuditChain
from services.toolrunner.handlers import Handlers
from services.toolrunner.settings import Settings


def build(settings: Settings, bus: Bus) -> Service:
    """The service; nothing connects yet. Raises NotConfigured for files that cannot be used."""
    alone = not settings.mcp_servers and not settings.servers_token.get_secret_value()
    own = OwnServers() if alone else None
    foreign = bool(settings.mcp_servers)
    gate = LivePolicy(settings.policy_dir, settings.scope, foreign=foreign)
    check = StrictSchema()
    servers = McpServers(
        _entries(settings, own),
        at_once=settings.calls_per_server,
        max_bytes=settings.tool_result_bytes,
    )
    catalogue = PublishedCatalogue(
        bus, servers, gate, check, wait_seconds=settings.servers_wait_seconds
    )
    handlers = Handlers(
        settings=settings,
        investigations=bus.investigations,
        results=bus.results,
        tracing=bus.tracing,
        gate=gate,
        check=check,
        servers=servers,
        pinned=catalogue.pinned,
        audit=AuditChain(settings.consumer),
    )
    return build_app(
        bus,
        # stream, event, method; its result goes out on tool-results and audit.
        [Route(TOOL_CALLS, ToolCallRequested, handlers.on_tool_call_requested)],
        background=[servers.keep, catalogue.keep, gate.keep, *([own.keep] if own else [])],
        checks={"catalogue": catalogue.problem, "policy": gate.problem},
    )


def _entries(settings: Settings, own: OwnServers | None) -> dict[str, ServerEntry]:
    if settings.mcp_servers:
        return load_servers(settings.mcp_servers)
    if own is not None:
        return built_in_servers(own.port, own.token)
    return built_in_servers(settings.servers_port, settings.servers_token.get_secret_value())
