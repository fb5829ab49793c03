"""Which incidents appear on the stream for what was sent to ingest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError

from bus.connection import unusable
from cli import where
from cli.follow import Follower
from cli.reaching import client

IN_QUEUE_SECONDS = 8.0
ANSWERED_SECONDS = 1.5
"""Ingest answers when it has written, so there is little left to wait for."""


@dataclass
class Opened:
    """What happens on the stream of incidents, from the moment on at which this was made."""

    follower: Follower

    def incidents(self, number: int, *, seconds: float) -> Iterator[str]:
        """Those that alarms open, at most so many, while the time lasts."""
        left = number
        give_up_at = time.monotonic() + seconds
        while left > 0 and time.monotonic() < give_up_at:
            for happening in self.follower.read():
                if left > 0 and happening.stream == "incidents" and happening.values.get("alarm"):
                    left -= 1
                    yield happening.incident


@contextmanager
def opened() -> Iterator[Opened]:
    """The stream from now on; raises NotConfigured where Redis cannot be used."""
    found = where.settings()
    url = found.redis_url.get_secret_value()
    try:
        with client(url, decoded=True, seconds=None) as redis:
            yield Opened(Follower(redis, where.keys().prefix))
    except RedisError as error:
        raise unusable(found, error) from None
