"""Connections on which no request begins, or whose head never ends, are closed after a while.

The server itself waits for a head without end; only after a request it counts the time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from bus.serving import HttpServer

LOOK_SECONDS = 0.5


@dataclass
class SlowHeads:
    """Looks at every connection twice a second; `server` is there once the service has started."""

    server: Callable[[], HttpServer | None]
    seconds: float = 10.0
    _since: "WeakKeyDictionary[Any, tuple[object, float]]" = field(
        default_factory=WeakKeyDictionary
    )

    async def close_forever(self) -> None:
        """Whoever is silent for too long is cut off, until cancelled."""
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, self.seconds / 4))
            server = self.server()
            if server is not None:
                now = asyncio.get_running_loop().time()
                for connection in list(server.server_state.connections):
                    self._look(connection, now)

    def _look(self, connection: Any, now: float) -> None:
        # `cycle` is the newest request whose head came in whole; WebSockets have none.
        cycle = getattr(connection, "cycle", None)
        if cycle is not None and not cycle.response_complete:
            self._since.pop(connection, None)
            return
        before, since = self._since.setdefault(connection, (cycle, now))
        if before is not cycle:
            self._since[connection] = (cycle, now)
        elif now - since > self.seconds:
            connection.transport.abort()
