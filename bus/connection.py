"""The connection to Redis, and the scripts that run on it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib.resources import files
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bus.errors import NotConfigured
from bus.sentinels import Sentinels
from bus.settings import BusSettings

OnConnect = Callable[[AbstractConnection], Awaitable[None]]
RETRIES = 6
"""Tries of one command over a broken connection; with the back-off about three seconds in all."""
SOCKET_SECONDS = 5.0
"""Longest silence of Redis before a connection is given up; the reader pauses another 5 s then."""
REMEDIES = {
    "maxmemory": "it is full; raise its `maxmemory`, or take out what is not Nightshift's",
    "read only": "it is a read-only replica; let REDIS_URL name the primary",
    "permission": "its user may not do that; allow it (`ACL SETUSER`) every command on these keys",
    "loading": "it is still loading its data; start again once it has",
    "wrong kind": "a key there is not Nightshift's; rename it, or set NIGHTSHIFT_STREAM_PREFIX",
}
"""By words of Redis's refusal: what that means, and what to do."""


class Direct(Connection):
    """Writes what fits at once. redis-py starts a task for each command, to bound the wait."""

    async def send_packed_command(
        self, command: str | bytes | Iterable[bytes], check_health: bool = True
    ) -> None:
        """The command is under way; where it cannot be written, its answer never comes."""
        lately = check_health and asyncio.get_running_loop().time() <= self.next_health_check
        to = self._writer if lately else None
        if isinstance(command, str | bytes) or not to or to.transport.get_write_buffer_size():
            await super().send_packed_command(command, check_health)
        else:
            to.writelines(command)


class AtMaster(Connection):
    """Asks the Sentinels where the master is, each time before it connects."""

    def __init__(self, *, sentinels: Sentinels, **options: object) -> None:
        given: dict[str, Any] = options
        super().__init__(**given)
        self._sentinels = sentinels

    async def _connect(self) -> None:
        self.host, self.port = await self._sentinels.current()
        untyped: Any = super()
        await untyped._connect()


class DirectAtMaster(AtMaster, Direct):
    """The same, writing what fits at once."""


class AtMasterOverTls(AtMaster, SSLConnection):
    """The same, over TLS."""


def at_master(sentinels: Sentinels | None) -> dict[str, object]:
    """What a pool of redis-py is given more, so that its connections go to the master."""
    if sentinels is None:
        return {}
    kind = AtMasterOverTls if sentinels.address.is_tls else DirectAtMaster
    return {"connection_class": kind, "sentinels": sentinels}


def retry() -> Retry:
    """Commands are tried again over broken connections: a repeated commit has no second effect."""
    return Retry(
        ExponentialBackoff(cap=1.0, base=0.05),
        RETRIES,
        supported_errors=(RedisConnectionError, RedisTimeoutError),
    )


def connect(
    settings: BusSettings, on_connect: OnConnect, *, sentinels: Sentinels | None = None
) -> "Redis":
    """A client that waits for a free connection rather than failing; it connects at first use.

    `on_connect` makes each new connection ready, or refuses it.
    """
    where: dict[str, Any] = {"connection_class": Direct, **parse_url(settings.address.url)}
    pool = BlockingConnectionPool(
        max_connections=2 * settings.max_workers + 50,
        timeout=10,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=5,
        retry=retry(),
        health_check_interval=30,
        redis_connect_func=on_connect,
        **{**where, **at_master(sentinels)},
    )
    return Redis.from_pool(pool)


async def wait_for_redis(redis: "Redis", settings: BusSettings) -> str:
    """The server's version, once it answers.

    Raises NotConfigured with one sentence when it did not within `redis_wait_seconds`.
    """
    give_up_at = time.monotonic() + settings.redis_wait_seconds
    while True:
        try:
            async with asyncio.timeout(5):
                server = await redis.info()
            if not server.get("loading"):
                return str(server["redis_version"])
            raise BusyLoadingError(f"loading: {server.get('loading_loaded_perc', 0)}% done")
        except (RedisError, OSError, TimeoutError) as error:
            if time.monotonic() >= give_up_at:
                raise unusable(settings, error) from None
        await asyncio.sleep(0.3)


def unusable(settings: BusSettings, error: Exception) -> NotConfigured:
    """The sentence for a person whom Redis, or the way to it, refused."""
    said = str(error).removesuffix(".") or type(error).__name__
    found = [f"{remedy} ({said})" for words, remedy in REMEDIES.items() if words in said]
    return NotConfigured(f"Redis at {settings.address.shown} cannot be used: {[*found, said][0]}")


def as_text(raw: object) -> str:
    """A reply of Redis as text; None becomes the empty text."""
    if raw is None:
        return ""
    return raw.decode() if isinstance(raw, bytes) else str(raw)


def script_text(name: str) -> str:
    """A Lua script of `bus/scripts`."""
    return files("bus").joinpath("scripts", f"{name}.lua").read_text(encoding="utf-8")


class Script:
    """A Lua script of `bus/scripts`; loaded into Redis at first use and after a restart."""

    def __init__(self, redis: "Redis", name: str) -> None:
        self._script = redis.register_script(script_text(name))

    async def run(self, keys: Sequence[str], args: Sequence[str | bytes]) -> object:
        """What the script returned."""
        result: object = await self._script(keys=list(keys), args=list(args))
        return result
