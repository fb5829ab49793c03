"""Which server is the master now, by its Sentinels.

All Sentinels are asked at once, and the one with the newest configuration is believed: a Sentinel
that was cut off still names the old master. Whether that server is a master indeed, and holds what
this process knew, is asked of itself (`bus.generation`).
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from bus.address import Address, Server

ASK_SECONDS = 1.0
"""Longest wait for one Sentinel."""
FRESH_SECONDS = 0.25
"""So long an answer serves all connections of a process, which break together."""


class NoMaster(RedisConnectionError):
    """No Sentinel names a master; whoever wanted to connect tries again."""


@dataclass
class Sentinels:
    """The Sentinels of one process's Redis; any thread may ask."""

    address: Address
    _clients: list[Redis] = field(init=False, repr=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _found: Server = ("", 0)
    _found_at: float = 0.0

    def __post_init__(self) -> None:
        options: dict[str, Any] = dict(self.address.options)
        self._clients = [
            Redis(
                host=host,
                port=port,
                socket_timeout=ASK_SECONDS,
                socket_connect_timeout=ASK_SECONDS,
                retry=Retry(NoBackoff(), 0),
                **options,
            )
            for host, port in self.address.sentinels
        ]

    async def current(self) -> Server:
        """The master now, or a moment ago; raises NoMaster."""
        async with self._asking:
            if time.monotonic() - self._found_at > FRESH_SECONDS:
                self._found = await asyncio.to_thread(self.ask)
                self._found_at = time.monotonic()
            return self._found

    def ask(self) -> Server:
        """The master now; raises NoMaster with what each Sentinel said."""
        with ThreadPoolExecutor(len(self._clients)) as threads:
            answers = list(threads.map(self._ask, self._clients))
        found = [answer for answer in answers if isinstance(answer, tuple)]
        if not found:
            said = "; ".join(str(answer) for answer in answers)
            raise NoMaster(f"no Sentinel names a master called {self.address.master}: {said}")
        _, host, port = max(found)
        return host, port

    def close(self) -> None:
        """No connection to a Sentinel is left."""
        for client in self._clients:
            client.close()

    def _ask(self, client: Redis) -> tuple[int, str, int] | str:
        try:
            state: Any = client.sentinel_master(self.address.master, return_responses=True)
            return int(state["config-epoch"]), str(state["ip"]), int(state["port"])
        except (RedisError, OSError) as error:
            return str(error) or type(error).__name__
