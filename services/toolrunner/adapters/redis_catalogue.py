"""The catalogue in Redis: published while this process runs, read back by its hash."""

import asyncio
import logging
from dataclasses import dataclass, field, replace

from redis.exceptions import RedisError

from bus.broker import Bus
from bus.connection import as_text
from bus.errors import Unavailable
from services.toolrunner.adapters.mcp_servers import McpServers
from services.toolrunner.adapters.pin_alerts import PinAlerts
from services.toolrunner.catalogue import OWN, Catalogue, catalogue_of
from services.toolrunner.policy import Gate
from services.toolrunner.ports import SchemaCheck, Tool
from services.toolrunner.result_pages import READ_RESULT

log = logging.getLogger(__name__)
CURRENT_SECONDS = 600
KEPT_SECONDS = 3600
RENEWED_EVERY_SECONDS = 30.0


@dataclass
class PublishedCatalogue:
    """What is offered now, and what was offered under a hash."""

    bus: Bus
    servers: McpServers
    gate: Gate
    check: SchemaCheck
    alerts: PinAlerts
    wait_seconds: float
    """How long the first catalogue waits for servers that have not listed their tools yet."""
    current: Catalogue | None = None
    _published: bool = False
    _known: dict[str, Catalogue] = field(default_factory=dict)

    async def keep(self) -> None:
        """Publish what the servers offer, renew it, and publish it anew when it changes.

        An incident that comes with the first start must not see half a list, so that one waits.
        """
        await self.servers.all_listed(self.wait_seconds)
        seen: tuple[list[Tool], str] | None = None
        while True:
            await self.alerts.tell(self.servers.findings())
            tools = [OWN, *self.servers.tools()]
            if seen != (now := (tools, self.gate.sha256)) or self.current is None:
                self.current, seen = catalogue_of(tools, self.gate, check=self.check), now
                offered = ", ".join(sorted(self.current.schemas))
                log.info("offering catalogue %s: %s", self.current.sha256[:12], offered)
            try:
                await self._publish(self.current)
            except (RedisError, OSError) as error:
                log.warning("the catalogue was not renewed: %s", error)
            await self.servers.changed(RENEWED_EVERY_SECONDS if self._published else 1.0)

    async def pinned(self, sha256: str) -> Catalogue:
        """The catalogue that an investigation pinned; without one, the current one.

        It says which of its tools may not be called any more, because they are not as reviewed.
        Raises Unavailable while the servers of this process have not listed their tools for the
        first time: what waits is another replica's, which a roll-out has not taken away yet.
        """
        if self.current is None:
            raise Unavailable("its servers have not listed their tools yet", retry_in_seconds=0.5)
        if sha256 and sha256 not in self._known:
            text = await self.bus.redis.get(self.bus.keys.catalogue(sha256))
            if text is not None:
                self._known[sha256] = Catalogue(as_text(text))
        catalogue = self._known.get(sha256, self.current)
        names = catalogue.schemas.keys() - {READ_RESULT}
        withheld = {name: why for name in names if (why := self.servers.withheld(name))}
        return replace(catalogue, withheld=withheld) if withheld else catalogue

    async def problem(self) -> str:
        """For readiness: empty once the catalogue was published."""
        return "" if self._published else "the catalogue of tools is not published yet"

    async def _publish(self, catalogue: Catalogue) -> None:
        keys, settings = self.bus.keys, self.bus.settings
        kept = max(KEPT_SECONDS, round(settings.deadline_seconds) + CURRENT_SECONDS)
        async with asyncio.timeout(10), self.bus.redis.pipeline(transaction=True) as pipeline:
            pipeline.set(keys.catalogue(catalogue.sha256), catalogue.text, ex=kept)
            pipeline.set(keys.current_catalogue, catalogue.sha256, ex=CURRENT_SECONDS)
            await pipeline.execute()
        self._published = True
