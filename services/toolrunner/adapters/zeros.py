"""What alerts ask for stands at 0 from the start, so that a first event is an increase."""

from collections.abc import Iterable
from typing import get_args

from bus import metrics
from bus.seals import Verdict
from bus.streams import STREAMS


def from_zero(servers: Iterable[str]) -> None:
    """It is exposed; `servers` are the names of the MCP servers."""
    for stream in STREAMS:
        if any(reader.group == "toolrunner" for reader in stream.readers):
            metrics.DEAD_LETTERS.add(0, {"stream": stream.name})
        for verdict in get_args(Verdict) if "toolrunner" in stream.heard_by else ():
            metrics.SEALS.add(0, {"stream": stream.name, "verdict": verdict})
    for server in servers:
        metrics.TOOLS_WITHHELD.set(0, {"server": server})
        metrics.SERVERS_LEFT_ALONE.set(0, {"server": server})
    for verdict in ("allow", "deny"):
        metrics.DECISIONS.add(0, {"verdict": verdict, "tool": "unknown"})
