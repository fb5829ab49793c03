"""Ingest's scripts: each is one decision with all its writes, and waits for the disk where it can.

A crash at any instant leaves all of it or nothing (decision 0032).
"""

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from redis.commands.core import AsyncScript
from redis.exceptions import RedisError, ResponseError

from bus import metrics
from bus.connection import as_text
from bus.envelope import flat
from bus.errors import Unavailable
from bus.events import SCHEMA_VERSION, IncidentId
from bus.port import Bus
from bus.streams import STREAMS
from bus.tracing import root_of
from services.ingest.limits import Limits

log = logging.getLogger(__name__)
DISK_WAIT_MS = 3000
ON_DISK = "durable"
BEFORE = {
    "append_once": (),
    "seal": (),
    "admit": ("shared", "held", "over"),
    "recover": ("shared", "held", "over"),
    "drain": ("shared", "held"),
}
"""What is put before a script, unless it is `shared` alone."""


class RedisScripts:
    """Runs them; what Redis has not put on disk in time is not taken as written (7.2 and newer)."""

    def __init__(self, bus: Bus, limits: Limits) -> None:
        self.bus, self.limits = bus, limits
        # With Sentinels the disk of one server says nothing: another may take its place.
        self.can_wait_for_disk = not bus.settings.address.sentinels
        self._scripts: dict[str, AsyncScript] = {}

    def key(self, name: str) -> str:
        """A key of ingest's own."""
        return f"{self.bus.keys.prefix}fingerprint:{name}"

    async def decide(
        self, name: str, key: str, *, asked: Mapping[str, object]
    ) -> Mapping[str, Any]:
        """What the script answered, with `durable`; raises Unavailable when it was not done."""
        summary = IncidentId(f"inc-storm-{secrets.token_hex(9)}")
        told = {
            **asked,
            "limits": self.limits.figures(),
            "version": SCHEMA_VERSION,
            "sealed": self.bus.seals.mode != "off",
            "summary": {"id": summary, "traceparent": root_of(str(summary)).traceparent},
        }
        args = [self.bus.keys.prefix, json.dumps(told, ensure_ascii=False)]
        raw, durable = await self.run(name, [key], args=args)
        answer: dict[str, Any] = json.loads(as_text(raw))
        for stream, entry_id in answer["wrote"].items():
            self.bus.store.saw(self.bus.keys.prefix + stream, entry_id)
        for other in answer["became"].values():
            metrics.INCIDENTS.add(1, {"outcome": other["outcome"]})
        if answer["unsealed"]:
            await self._seal()
        return answer | {ON_DISK: durable}

    async def _seal(self) -> None:
        """What scripts worded is signed and stands on its stream, once, whichever replica did it.

        What is left over is the next script's: a drain runs every moment.
        """
        key, redis = self.key("unsealed"), self.bus.redis
        try:
            while raw := as_text(await redis.lindex(key, -1)):
                name, words = json.loads(raw)
                stream = next(each for each in STREAMS if each.name == name)
                fields = dict(zip(words[::2], words[1::2], strict=True))
                args = [raw, *flat(self.bus.seals.seal(fields, stream))]
                keys = [key, self.bus.keys.stream(stream)]
                entry_id = as_text(await self._script("seal")(keys=keys, args=args))
                if entry_id:
                    self.bus.store.saw(keys[1], entry_id)
        except (RedisError, OSError) as error:
            log.warning("what ingest's scripts said waits to be signed: %s", error)

    async def run(
        self, name: str, keys: Sequence[str], *, args: Sequence[str]
    ) -> tuple[object, bool]:
        """A script's own answer, and whether what it wrote is on disk already."""
        try:
            return await self._run(self._script(name), keys, args=args)
        except (RedisError, OSError) as error:
            raise unavailable(error) from error

    async def _run(
        self, script: AsyncScript, keys: Sequence[str], *, args: Sequence[str]
    ) -> tuple[object, bool]:
        # One pipeline, one connection: the wait covers what this connection wrote.
        async with self.bus.redis.pipeline(transaction=False) as pipeline:
            await script(keys=list(keys), args=list(args), client=pipeline)
            if self.can_wait_for_disk:
                pipeline.execute_command("WAITAOF", 1, 0, DISK_WAIT_MS)
            answer, *waited = await pipeline.execute(raise_on_error=False)
        if isinstance(answer, Exception):
            raise answer
        return answer, self._is_on_disk(waited)

    def _is_on_disk(self, waited: Sequence[object]) -> bool:
        answer = waited[0] if waited else None
        if isinstance(answer, ResponseError):
            # An older Redis, or one without an append-only file: it never will.
            self.can_wait_for_disk = False
            return False
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, list) and int(answer[0]) < 1:
            raise Unavailable(f"Redis has not put an entry on disk within {DISK_WAIT_MS} ms")
        return isinstance(answer, list)

    def _script(self, name: str) -> AsyncScript:
        if name not in self._scripts:
            text = "".join(script_text(part) for part in (*BEFORE.get(name, ("shared",)), name))
            self._scripts[name] = self.bus.redis.register_script(text)
        return self._scripts[name]


def script_text(name: str) -> str:
    """A Lua script of this folder."""
    return files(__package__).joinpath("scripts", f"{name}.lua").read_text(encoding="utf-8")


def unavailable(error: Exception) -> Unavailable:
    """Redis's refusal as ours: whoever sent keeps what it has."""
    return Unavailable(
        f"Redis does not take entries: {error or type(error).__name__}", retry_in_seconds=1.0
    )
