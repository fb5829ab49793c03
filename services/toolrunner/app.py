"""Composition root and routing table: settings -> adapters -> handlers -> streams."""

from bus.broker import Bus, Route
from bus.events import ToolCallRequested
from bus.process import Service, build_app
from bus.streams import TOOL_CALLS
from services.toolrunner.adapters.condensing import Condensing
from services.toolrunner.adapters.linear_patterns import linear_pattern
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.lock_file import load_lock
from services.toolrunner.adapters.mcp_guard import Limits
from services.toolrunner.adapters.mcp_servers import McpServers
from services.toolrunner.adapters.mcp_servers_file import (
    ServerEntry,
    built_in_servers,
    load_servers,
)
from services.toolrunner.adapters.own_servers import OwnServers
from services.toolrunner.adapters.pin_alerts import PinAlerts
from services.toolrunner.adapters.recent_rollouts import RecentRollouts
from services.toolrunner.adapters.redis_catalogue import PublishedCatalogue
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.adapters.zeros import from_zero
from services.toolrunner.audit import AuditChain
from services.toolrunner.catalogue import OWN
from services.toolrunner.handlers import Handlers
from services.toolrunner.settings import Settings
from services.toolrunner.showing import Showing


def build(settings: Settings, bus: Bus) -> Service:
    """The service; nothing connects yet. Raises NotConfigured for files that cannot be used."""
    alone = not settings.mcp_servers and not settings.servers_token.get_secret_value()
    own = OwnServers() if alone else None
    lock, check = load_lock(settings.lock_file), StrictSchema()
    foreign = bool(settings.mcp_servers)
    # All that was reviewed: a server that is away must not make the policy speak of unknown tools.
    reviewed = [OWN, *lock.tools()]
    gate = LivePolicy(settings.policy_dir, settings.scope, tools=reviewed, foreign=foreign)
    condensing, limits = Condensing(), Limits.of(settings)
    entries = _entries(settings, own)
    from_zero(entries)
    servers = McpServers(entries, limits, lock=lock, condense=condensing.text)
    catalogue = PublishedCatalogue(
        *(bus, servers, gate, check),
        alerts=PinAlerts(bus),
        wait_seconds=settings.servers_wait_seconds,
    )
    audit = AuditChain(settings.consumer, settings.audit_key.get_secret_value())
    rollouts = RecentRollouts(catalogue, audit, settings)
    handlers = Handlers(
        settings=settings,
        investigations=bus.investigations,
        results=bus.results,
        tracing=bus.tracing,
        gate=gate,
        check=check,
        servers=servers,
        pinned=catalogue.pinned,
        audit=audit,
        showing=Showing(bus.results, linear_pattern, cap=settings.shown_characters),
    )
    kept = [servers.keep, catalogue.keep, gate.keep, rollouts.keep, condensing.keep]
    return build_app(
        bus,
        # stream, event, method; its result goes out on tool-results and audit.
        [Route(TOOL_CALLS, ToolCallRequested, handlers.on_tool_call_requested)],
        background=[*kept, *([own.keep] if own else [])],
        checks={"catalogue": catalogue.problem, "policy": gate.problem},
    )


def _entries(settings: Settings, own: OwnServers | None) -> dict[str, ServerEntry]:
    if settings.mcp_servers:
        return load_servers(settings.mcp_servers)
    if own is not None:
        return built_in_servers(own.port, own.token)
    return built_in_servers(settings.servers_port, settings.servers_token.get_secret_value())
