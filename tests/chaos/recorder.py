"""Everything that was ever appended to a stream, read while it happens.

Streams are trimmed once every group has acknowledged, so who looks only afterwards may find them
empty. A recorder reads along, without a group, as a stranger with `redis-cli` would.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from bus.connection import as_text
from bus.streams import STREAMS
from tests.loop.desk import PREFIX

Row = tuple[str, str, Mapping[str, str]]
COUNT = 500
BLOCK_MS = 200
NAMES = tuple(stream.name + end for stream in STREAMS for end in ("", ".dead"))


@dataclass
class Recorder:
    """Reads all streams, dead letters too, until `stop`; a Redis that is away is waited for."""

    url: str
    _rows: list[Row] = field(default_factory=list)
    _last: dict[str, str] = field(default_factory=lambda: dict.fromkeys(NAMES, "0-0"))
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _ending: threading.Event = field(default_factory=threading.Event)
    _reading: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read_along, daemon=True)
        self._thread.start()

    def rows(self) -> list[Row]:
        """Stream, entry id and fields of all entries so far, up to this very moment."""
        with Redis.from_url(self.url) as redis:
            while self._read(redis, block_ms=None):
                pass
        with self._reading:
            return list(self._rows)

    def count(self, stream: str, event: str) -> int:
        """How many entries of that kind were appended so far."""
        return self._counts[stream, event]

    def stop(self) -> None:
        """Nothing is read any more."""
        self._ending.set()
        self._thread.join()

    def _read_along(self) -> None:
        with Redis.from_url(self.url) as redis:
            while not self._ending.is_set():
                try:
                    self._read(redis, block_ms=BLOCK_MS)
                except (RedisError, OSError):
                    self._ending.wait(0.1)

    def _read(self, redis: "Redis", *, block_ms: int | None) -> bool:
        with self._reading:
            keys: dict[Any, Any] = {PREFIX + name: last for name, last in self._last.items()}
        answer: Any = redis.xread(keys, count=COUNT, block=block_ms)
        with self._reading:
            for key, entries in answer or ():
                name = as_text(key).removeprefix(PREFIX)
                for raw_id, raw in entries:
                    self._add(name, as_text(raw_id), raw)
        return bool(answer)

    def _add(self, name: str, entry_id: str, raw: Mapping[bytes, bytes]) -> None:
        # Two may read at once, and both get the entry.
        if _order(entry_id) > _order(self._last[name]):
            self._last[name] = entry_id
            fields = _text(raw)
            self._rows.append((name, entry_id, fields))
            self._counts[name, fields["event"]] += 1


def _order(entry_id: str) -> tuple[int, int]:
    first, _, second = entry_id.partition("-")
    return int(first), int(second)


def _text(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    fields = {"event": ""}
    for name, value in raw.items():
        fields[as_text(name)] = value.decode("utf-8", "backslashreplace")
    return fields


@contextmanager
def recording(url: str) -> Iterator[Recorder]:
    """A recorder that reads along inside the block."""
    recorder = Recorder(url)
    try:
        yield recorder
    finally:
        recorder.stop()
