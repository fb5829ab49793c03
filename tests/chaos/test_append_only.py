"""How much of Redis's file a power loss leaves: by Redis's own word where it can give it."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from simulator.redis_server import RedisServer
from tests.chaos.append_only import SYNCED_SECONDS, Sizes, append_only_file
from tests.ingest.test_durability import relay

pytestmark = pytest.mark.timeout(30)
PATIENCE_SECONDS = 10.0


def watched(server: RedisServer, url: str, until: Callable[[Sizes], bool]) -> Sizes:
    """The sizes that were seen until that was so."""
    with Sizes(append_only_file(server.folder), url) as sizes:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not until(sizes) and time.monotonic() < give_up_at:
            threading.Event().wait(0.02)
        assert until(sizes)
    return sizes


async def test_what_redis_says_is_on_disk_is_kept_however_young(own_redis: RedisServer) -> None:
    async with relay(own_redis.url, b"return {1, 0}") as url:
        sizes = await asyncio.to_thread(watched, own_redis, url, lambda one: one.told > 0)
    assert sizes.on_disk(sizes.seen[-1][0]) == max(sizes.told, sizes.seen[0][1])
    assert sizes.told <= append_only_file(own_redis.folder).stat().st_size


async def test_what_redis_has_not_confirmed_is_kept_only_when_it_is_old(
    own_redis: RedisServer,
) -> None:
    def asked_for_long(sizes: Sizes) -> bool:
        ages = [at for at, _ in sizes.seen]
        grown = sizes.seen[-1][1] > sizes.seen[0][1] if sizes.seen else False
        return grown and ages[-1] - ages[0] > SYNCED_SECONDS

    async with relay(own_redis.url, b"return {0, 0}") as url:
        sizes = await asyncio.to_thread(watched, own_redis, url, asked_for_long)
    failed_at = sizes.seen[-1][0]
    assert (sizes.told, sizes.can_tell) == (0, True)
    assert sizes.on_disk(failed_at) == sizes.after(failed_at - SYNCED_SECONDS)


async def test_a_redis_that_cannot_tell_is_asked_once(own_redis: RedisServer) -> None:
    answer = b"return redis.error_reply('ERR unknown command')"
    async with relay(own_redis.url, answer) as url:
        sizes = await asyncio.to_thread(watched, own_redis, url, lambda one: not one.can_tell)
    assert sizes.told == 0
