"""Which incidents appear on the stream for what was sent to ingest."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from bus.connection import unusable
from bus.streams import INCIDENTS
from cli import where
from cli.follow import Follower
from cli.reaching import client
from services.ingest.fingerprint import body_hash

IN_QUEUE_SECONDS = 8.0
ANSWERED_SECONDS = 1.5
"""Ingest answers when it has written, so there is little left to wait for."""
LETTERS_READ = 200


@dataclass
class Opened:
    """What happens on the stream of incidents, from the moment on at which this was made."""

    follower: Follower
    redis: "Redis"
    since: str
    sent: set[str] = field(default_factory=set)
    """By their hash, the bodies that were put into the queue: nobody answers those."""

    def incidents(self, number: int, *, seconds: float) -> Iterator[str]:
        """Those that alarms open, at most so many, while the time lasts."""
        found, give_up_at = 0, time.monotonic() + seconds
        while found + len(self.refused()) < number and time.monotonic() < give_up_at:
            for happening in self.follower.read():
                is_opened = happening.stream == "incidents" and happening.values.get("alarm")
                if found < number and is_opened:
                    found += 1
                    yield happening.incident

    def note(self, body: str) -> None:
        """This body was put into the queue."""
        self.sent.add(body_hash(body))

    def refused(self) -> list[str]:
        """Why ingest set something aside since then, or one of the bodies sent at an earlier time.

        A body that is set aside twice is one letter.
        """
        if not self.sent:
            return []
        rows: Any = self.redis.xrevrange(where.keys().dead(INCIDENTS), count=LETTERS_READ)
        letters = ((entry_id, json.loads(fields.get("data", "{}"))) for entry_id, fields in rows)
        return [
            str(letter["reason"])
            for entry_id, letter in letters
            if letter.get("group") == "ingest"
            and (_place(entry_id) >= _place(self.since) or letter.get("entry_id") in self.sent)
        ]


@contextmanager
def opened() -> Iterator[Opened]:
    """The stream from now on; raises NotConfigured where Redis cannot be used."""
    found = where.settings()
    url = found.redis_url.get_secret_value()
    try:
        with client(url, decoded=True, seconds=None) as redis:
            seconds, micros = redis.time()
            since = f"{1000 * int(seconds) + int(micros) // 1000}-0"
            yield Opened(Follower(redis, where.keys().prefix), redis, since)
    except RedisError as error:
        raise unusable(found, error) from None


def _place(entry_id: str) -> tuple[int, int]:
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number or 0)
