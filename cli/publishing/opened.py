"""Which incidents appear on the stream for alarms that went into the queue."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from bus.connection import unusable
from cli import where
from cli.follow import Follower, Happening

WAITED_SECONDS = 8.0


@dataclass
class Opened:
    """What happens on the stream of incidents, from the moment on at which this was made."""

    follower: Follower

    def first(self) -> str:
        """The first incident that any alarm opens; empty without one in `WAITED_SECONDS`."""
        give_up_at = time.monotonic() + WAITED_SECONDS
        while time.monotonic() < give_up_at:
            for happening in self.follower.read():
                if happening.stream == "incidents" and _alarm_of(happening):
                    return happening.incident
        return ""

    def incidents(self, names: Collection[str]) -> Iterator[str]:
        """The incident of each of these alarms, until all are there or `WAITED_SECONDS` over."""
        left = set(names)
        give_up_at = time.monotonic() + WAITED_SECONDS
        while left and time.monotonic() < give_up_at:
            for happening in self.follower.read():
                if happening.stream == "incidents" and (name := _alarm_of(happening)) in left:
                    left.discard(name)
                    yield happening.incident


@contextmanager
def opened() -> Iterator[Opened]:
    """The stream from now on; raises NotConfigured where Redis cannot be used."""
    found = where.settings()
    url = found.redis_url.get_secret_value()
    try:
        with Redis.from_url(url, decode_responses=True, socket_connect_timeout=5) as redis:
            yield Opened(Follower(redis, where.keys().prefix))
    except RedisError as error:
        raise unusable(found, error) from None


def _alarm_of(happening: Happening) -> str:
    alarm = happening.values.get("alarm")
    return str(alarm.get("name", "")) if isinstance(alarm, dict) else ""
