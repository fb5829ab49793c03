"""Tells people of tools that are not as they were reviewed: in the log, in a metric, in Slack."""

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from bus import metrics
from bus.broker import Bus
from bus.events import NoticeRequested
from services.toolrunner.pins import PIN_COMMAND, Finding, names_of

log = logging.getLogger(__name__)
MOST_TOLD = 100
"""Of one server: one whose tools change all the time must not fill the channel, nor hide others."""


@dataclass
class PinAlerts:
    """Each finding is told once in the life of this process."""

    bus: Bus
    _logged: dict[str, set[str]] = field(default_factory=dict)
    _noticed: dict[str, set[str]] = field(default_factory=dict)
    _servers: set[str] = field(default_factory=set)
    _unknown: dict[str, str] = field(default_factory=dict)

    async def tell(self, findings: Collection[Finding]) -> None:
        """People know of these findings, or this is tried again with the next ones."""
        unknown = [finding for finding in findings if finding.kind == "unknown"]
        withheld = [finding for finding in findings if finding.kind != "unknown"]
        self._measure(withheld)
        self._log_unknown(unknown)
        for finding in withheld:
            await self._tell(finding)

    async def _tell(self, finding: Finding) -> None:
        logged = self._logged.setdefault(finding.server, set())
        noticed = self._noticed.setdefault(finding.server, set())
        if finding.key not in logged and len(logged) < MOST_TOLD:
            logged.add(finding.key)
            lines = "".join(f"\n{line}" for line in finding.difference)
            log.error("%s: it is withheld, incidents go on without it%s", finding.sentence, lines)
        if finding.key in noticed or len(noticed) >= MOST_TOLD:
            return
        text = (
            f"A tool is withheld: {finding.sentence}. Incidents go on without it. The toolrunner's"
            f" log has the difference; `{PIN_COMMAND} --check` shows it too."
        )
        try:
            await self.bus.publish(NoticeRequested(text=text, key=f"pin:{finding.key}"))
        except (RedisError, OSError) as error:
            log.warning("a withheld tool was not told of in Slack: %s", error)
        else:
            noticed.add(finding.key)

    def _measure(self, withheld: Iterable[Finding]) -> None:
        counts = Counter(finding.server for finding in withheld)
        self._servers |= counts.keys()
        for server in self._servers:
            metrics.TOOLS_WITHHELD.set(counts[server], {"server": server})

    def _log_unknown(self, unknown: Iterable[Finding]) -> None:
        by_server: dict[str, list[Finding]] = {}
        for finding in unknown:
            by_server.setdefault(finding.server, []).append(finding)
        for server, found in by_server.items():
            names = names_of(found)
            if self._unknown.get(server) != names:
                self._unknown[server] = names
                log.warning(
                    "not offered, because nobody has reviewed them: %s; `%s --server %s` does",
                    names,
                    PIN_COMMAND,
                    server,
                )
