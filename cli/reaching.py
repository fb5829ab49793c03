"""The commands' Redis: one server, or whichever one its Sentinels call the master."""

import socket
from typing import Any

from redis import ConnectionPool, Redis
from redis.asyncio import ConnectionPool as AsyncConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.connection import parse_url as parse_async_url
from redis.connection import Connection, SSLConnection, parse_url
from redis.retry import Retry

from bus.address import address_of
from bus.connection import at_master
from bus.sentinels import Sentinels


class AtMaster(Connection):
    """Asks the Sentinels where the master is, each time before it connects."""

    def __init__(self, *, sentinels: Sentinels, **options: object) -> None:
        untyped: Any = super()
        untyped.__init__(**options)
        self._sentinels = sentinels

    def _connect(self) -> socket.socket:
        self.host, self.port = self._sentinels.ask()
        untyped: Any = super()
        connected: socket.socket = untyped._connect()
        return connected


class AtMasterOverTls(AtMaster, SSLConnection):
    """The same, over TLS."""


def client(
    url: str, *, decoded: bool = False, seconds: float | None = 5, retry: Retry | None = None
) -> "Redis":
    """A client of the Redis that a REDIS_URL names; it connects at first use."""
    address = address_of(url)
    untyped: Any = parse_url
    options: dict[str, Any] = {**untyped(address.url), **({"retry": retry} if retry else {})}
    if address.sentinels:
        options["connection_class"] = AtMasterOverTls if address.is_tls else AtMaster
        options["sentinels"] = Sentinels(address)
    pool = ConnectionPool(
        decode_responses=decoded, socket_timeout=seconds, socket_connect_timeout=5, **options
    )
    return Redis.from_pool(pool)


def async_client(url: str, *, seconds: float) -> "AsyncRedis":
    """The same for commands that ask many things at once."""
    address = address_of(url)
    sentinels = Sentinels(address) if address.sentinels else None
    options: dict[str, Any] = {**parse_async_url(address.url), **at_master(sentinels)}
    pool = AsyncConnectionPool(socket_timeout=seconds, socket_connect_timeout=seconds, **options)
    return AsyncRedis.from_pool(pool)
