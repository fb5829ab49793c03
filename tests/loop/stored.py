"""Everything that a Redis holds, as one text: for tests that look for what must not be there."""

import contextlib
import zlib
from collections.abc import Iterator
from typing import Any

from redis import Redis


def stored_in(url: str) -> str:
    """Keys, values and stream entries; what is compressed, in plain."""
    with Redis.from_url(url) as redis:
        return "\n".join(text for key in redis.scan_iter() for text in _texts(redis, key))


def _texts(redis: "Redis", key: bytes) -> Iterator[str]:
    kind = redis.type(key)
    readers: dict[object, Any] = {
        b"string": lambda: [redis.get(key)],
        b"hash": lambda: redis.hgetall(key),
        b"list": lambda: redis.lrange(key, 0, -1),
        b"set": lambda: redis.smembers(key),
        b"zset": lambda: redis.zrange(key, 0, -1),
        b"stream": lambda: redis.xrange(key),
    }
    yield key.decode("utf-8", "replace")
    yield from _flat(readers[kind]())


def _flat(value: Any) -> Iterator[str]:
    if isinstance(value, bytes):
        with contextlib.suppress(zlib.error):
            value = zlib.decompress(value)
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        yield from _flat([*value, *value.values()])
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from _flat(one)
