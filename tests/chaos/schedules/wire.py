"""One blocking connection to Redis, as quick as it gets.

A schedule is some two hundred round trips, and only one of its tasks ever runs, so a pool, retries
and decoding would be most of what a schedule costs.
"""

import hashlib
import socket
from collections.abc import Sequence
from typing import Any

from redis import ConnectionPool
from redis.exceptions import ResponseError

Word = str | bytes | int | float


class Wire:
    """Commands in, replies out as the protocol has them (RESP2)."""

    def __init__(self, redis_url: str) -> None:
        given: dict[str, Any] = ConnectionPool.from_url(redis_url).connection_kwargs
        self._socket = socket.create_connection((given["host"], given["port"]), timeout=15)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._came = b""
        self._at = 0
        self._loaded: set[str] = set()
        if given.get("password"):
            self("AUTH", given.get("username") or "default", given["password"])
        self("SELECT", given.get("db") or 0)

    def __call__(self, *command: Word) -> Any:
        """The reply of one command. Raises ResponseError."""
        (reply,) = self.many([command])
        return reply

    def many(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """The replies of several commands in one round trip. Raises the first ResponseError."""
        self._socket.sendall(b"".join(_packed(command) for command in commands))
        replies = [self._reply() for _ in commands]
        self._came, self._at = self._came[self._at :], 0
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        return replies

    def load(self, script: str) -> str:
        """The name under which the server runs a script; it is loaded once."""
        sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        if sha not in self._loaded:
            self("SCRIPT", "LOAD", script)
            self._loaded.add(sha)
        return sha

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _reply(self) -> Any:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return None if rest == b"-1" else self._text(int(rest))
        if kind == b":":
            return int(rest)
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        return ResponseError(rest.decode()) if kind == b"-" else rest

    def _line(self) -> bytes:
        while (end := self._came.find(b"\r\n", self._at)) < 0:
            self._more()
        line = self._came[self._at : end]
        self._at = end + 2
        return line

    def _text(self, length: int) -> bytes:
        while len(self._came) < self._at + length + 2:
            self._more()
        text = self._came[self._at : self._at + length]
        self._at += length + 2
        return text

    def _more(self) -> None:
        came = self._socket.recv(1 << 18)
        if not came:
            raise ConnectionError("Redis hung up")
        self._came += came


def _packed(command: Sequence[Word]) -> bytes:
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in command]
    packed = [b"*%d\r\n" % len(parts)]
    for part in parts:
        packed += [b"$%d\r\n" % len(part), part, b"\r\n"]
    return b"".join(packed)
