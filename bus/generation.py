"""Which Redis this is, and whether it still holds what this process saw in it.

Redis may come back empty, cut short or as an older copy. So each process remembers the generation
and the newest entry of every stream it knows, and compares before it uses any new connection, and
every second. After the first difference it uses none: nothing is read or written until a person
restarts it (decision 0012).
"""

import asyncio
import contextlib
import logging
import math
import secrets
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from bus import metrics
from bus.connection import AtMaster, Script, as_text, connect, script_text
from bus.envelope import flat
from bus.errors import NotConfigured
from bus.events import NoticeRequested
from bus.seals import Seals, seals_of
from bus.sentinels import Sentinels
from bus.settings import BusSettings
from bus.streams import NOTICES, STREAMS, Keys, Stream

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
"""Less than a source waits before it forgets its alarm: what is lost after that was seen."""
NOTHING = "0-0"


class StoreChanged(RedisError):
    """Redis is not, or no longer, what this process knew; nothing is read from it or written."""


@dataclass
class Store:
    """The Redis of one process. Nothing is compared before `begin`."""

    settings: BusSettings
    service: str
    trouble: str = ""
    """Why nothing is consumed any more, in a sentence; empty while all is well."""
    redis: Redis = field(init=False)
    sentinels: Sentinels | None = field(init=False)
    seals: Seals = field(init=False)
    _keys: Keys = field(init=False)
    _generation: str = ""
    _seen: dict[str, str] = field(init=False)
    _refused: asyncio.Event = field(default_factory=asyncio.Event)
    _looked_at: float = math.inf
    _back_at: float = -math.inf
    _closed: bool = False
    _connections: WeakSet[AbstractConnection] = field(default_factory=WeakSet)

    def __post_init__(self) -> None:
        self._keys = Keys(self.settings.stream_prefix)
        known = [stream for stream in STREAMS if _knows(self.service, stream)]
        self._seen = {self._keys.stream(stream): NOTHING for stream in known}
        settings = self.settings
        self.seals = seals_of(
            self.service,
            prefix=settings.stream_prefix,
            mode=settings.envelopes,
            keys=settings.envelope_keys.get_secret_value(),
        )
        address = settings.address
        self.sentinels = Sentinels(address) if address.sentinels else None
        self.redis = connect(self.settings, self.connected, sentinels=self.sentinels)

    async def begin(self) -> None:
        """The Redis has a generation, the wanted one; from now on it is compared.

        Raises NotConfigured with a sentence that says what to do.
        """
        self._generation = await self._standing()
        await self.look()
        metrics.STORE_REFUSED.set(0)

    async def connected(self, connection: AbstractConnection) -> None:
        """Make a new connection ready for use; raises StoreChanged when it may not be used."""
        self._pass()
        self._connections.add(connection)
        await connection.on_connect_check_health(check_health=False)
        if self.sentinels:
            await connection.send_command("INFO", "replication", check_health=False)
            if "role:master" not in as_text(await connection.read_response()):
                raise RedisConnectionError("the server that Sentinels call the master is a replica")
        if self._generation:
            seen = dict(self._seen)
            asked = ["EVAL", script_text("look"), str(1 + len(seen)), self._keys.generation]
            await connection.send_command(*asked, *seen, *seen.values(), check_health=False)
            self._judge(seen, await connection.read_response())

    async def look(self) -> None:
        """Compare now; raises StoreChanged, or RedisError while Redis is away."""
        self._pass()
        seen = dict(self._seen)
        keys = [self._keys.generation, *seen]
        self._judge(seen, await Script(self.redis, "look").run(keys, list(seen.values())))

    def was_cut_off(self) -> bool:
        """Whether Redis was out of reach, up or not, for half a lease within the last one."""
        now, lease = asyncio.get_running_loop().time(), self.settings.lease_seconds
        return now - self._looked_at > lease / 2 or now - self._back_at < lease

    async def watch(self) -> None:
        """Returns once the store is refused, and every connection to it is closed."""
        looking = asyncio.create_task(self._look_for_ever())
        try:
            await self._refused.wait()
        finally:
            looking.cancel()
        await self.redis.connection_pool.disconnect()

    async def close(self) -> None:
        """Every connection is closed, and whatever outlives this gets no new one."""
        self._closed = True
        await self.redis.aclose()
        if self.sentinels:
            self.sentinels.close()
        # A reader that was about to connect when FastStream stopped has one that no pool closes.
        for connection in list(self._connections):
            await connection.disconnect()

    def saw(self, key: str, entry_id: str) -> None:
        """That entry stood on that stream; without it this is no longer the same store."""
        if key in self._seen and _order(entry_id) > _order(self._seen[key]):
            self._seen[key] = entry_id

    async def _standing(self) -> str:
        stands = as_text(await self.redis.get(self._keys.generation))
        wanted = self.settings.generation
        if wanted and stands != wanted:
            raise NotConfigured(
                f"Redis at {self.settings.address.shown} has generation {stands or 'none'}, but"
                f" NIGHTSHIFT_GENERATION is {wanted}: bring the right data back, or begin anew with"
                " `nightshift init` and set what it prints"
            )
        if stands:
            return stands
        new = new_generation()
        fields = flat(self.seals.fields(_begun(new)))
        begin = Script(self.redis, "begin")
        keys = [self._keys.generation, self._keys.stream(NOTICES)]
        return as_text(await begin.run(keys, [new, *fields]))

    async def _look_for_ever(self) -> None:
        clock, half = asyncio.get_running_loop().time, self.settings.lease_seconds / 2
        self._looked_at = clock()
        while not self._closed:
            with contextlib.suppress(RedisError, OSError):
                await self._leave_old_master()
            with contextlib.suppress(RedisError, OSError):
                await self.look()
                if clock() - self._looked_at > half:
                    self._back_at = clock()
                self._looked_at = clock()
            await asyncio.sleep(min(LOOK_SECONDS, half / 4))

    async def _leave_old_master(self) -> None:
        """Connections to what is the master no more are closed, in use or not.

        Redis cuts off only those of a master that Sentinels can reach.
        """
        if self.sentinels:
            master = await self.sentinels.current()
            for one in list(self._connections):
                strayed = isinstance(one, AtMaster) and (one.host, one.port) != master
                if strayed and one.is_connected:
                    await one.disconnect()

    def _judge(self, seen: dict[str, str], answer: Any) -> None:
        generation, *found = map(as_text, answer)
        if generation != self._generation:
            self._refuse(f"its generation is {generation or 'missing'}, not {self._generation}")
        for at, (key, known) in enumerate(seen.items()):
            last, newest, upto = found[3 * at : 3 * at + 3]
            # Others may have written on since. Trimming takes the oldest first: where an older
            # entry stands without the known one, that was lost.
            if _order(last) < _order(known) or upto not in ("", known):
                self._refuse(f"entry {known} on {key} is gone, which stood before")
            self.saw(key, newest or NOTHING)

    def _refuse(self, reason: str) -> None:
        if not self.trouble:
            self.trouble = (
                f"Redis at {self.settings.address.shown} lost data: {reason}. Nothing is consumed"
                " until this process is restarted; first bring the newest data back, or accept the"
                " loss"
            )
            log.error("%s", self.trouble)
            metrics.STORE_REFUSED.set(1)
            self._refused.set()
        self._pass()

    def _pass(self) -> None:
        if self.trouble or self._closed:
            raise StoreChanged(self.trouble or "this process closed its connections")


def new_generation() -> str:
    """A name that no Redis has had before."""
    return secrets.token_hex(6)


def _begun(generation: str) -> NoticeRequested:
    return NoticeRequested(
        text=f"A new store was begun: Redis held no data of Nightshift (generation {generation})."
        " If it should have, its data is lost: open incidents are forgotten.",
        key=f"generation:{generation}",
    )


def _knows(service: str, stream: Stream) -> bool:
    groups = [reader.group for reader in stream.readers]
    return service in (*groups, *stream.writers, stream.owner)


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)
