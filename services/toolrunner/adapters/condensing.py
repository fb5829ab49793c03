"""Long texts are condensed in a process of their own: Python runs one thread at a time.

A thread that decodes and condenses would take its turns from the event loop, and so from every
other call. All long texts of a toolrunner share one process, which is there while there are any.
"""

import asyncio
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from dataclasses import dataclass, field
from threading import Lock

from services.toolrunner.adapters import condensing_child as child
from services.toolrunner.gaps import MARK
from services.toolrunner.long_texts import Condensed, NotCondensed

log = logging.getLogger(__name__)
STUCK_SECONDS = 10.0
"""A child that takes no piece, or gives no answer, for so long is ended; one takes milliseconds."""
_GIVEN_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
"""No secret of ours: what the child reads is written by others."""


class _Child:
    """The process; whatever goes wrong with it is an OSError."""

    def __init__(self, *, stuck_seconds: float) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(stuck_seconds)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", child.__name__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _GIVEN_ON if name in os.environ},
                start_new_session=True,  # so that Ctrl-C does not end it before us
            )
        self.pid = self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, number: int, kind: bytes, *, given: bytes = b"") -> None:
        self._socket.sendall(child.FRAME.pack(number, kind, len(given)) + given)

    def answer(self) -> bytes:
        (length,) = child.LENGTH.unpack(self._received(child.LENGTH.size))
        return self._received(length)

    def _received(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            piece = self._socket.recv(length - len(received))
            if not piece:
                raise ConnectionResetError("the condensing process ended")
            received += piece
        return bytes(received)

    def kill(self) -> None:
        """Whoever waits for it goes on, with an error."""
        self._process.kill()

    def end(self) -> None:
        """It has ended, and nothing is left of it."""
        self.kill()
        self._socket.close()
        self._process.wait()


@dataclass
class Condensing:
    """One process for the texts of many threads, from the first of them until there is none.

    It is ended then, for memory that a text took is given back to others only so.
    """

    stuck_seconds: float = STUCK_SECONDS
    _turn: Lock = field(default_factory=Lock)
    _child: _Child | None = None
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _under_way: set[int] = field(default_factory=set)
    _dropped: "deque[int]" = field(default_factory=deque)
    _is_over: bool = False

    @property
    def pid(self) -> int:
        """Of the process; 0: there is none."""
        running = self._child
        return running.pid if running else 0

    async def keep(self) -> None:
        """Texts are condensed until this is cancelled; then the process has ended."""
        try:
            await asyncio.Event().wait()
        finally:
            self.end()

    def end(self) -> None:
        """The process has ended and none is started again; texts under way are lost."""
        self._is_over = True
        if running := self._child:
            running.kill()  # first: a thread may wait for it, and has the turn
        with self._turn:
            self._stop()

    def text(self, most: int) -> Condensed:
        """A text begins of which `most` bytes may be kept. Raises NotCondensed."""
        number = next(self._numbers)
        with self._turn:
            running = self._started()
            given = json.dumps({"most": most, "mark": MARK}).encode()
            self._sent(running, number, kind=child.BEGIN, given=given)
            self._under_way.add(number)
        return _Text(self, running, number)

    def add(self, running: _Child, number: int, *, piece: bytes) -> None:
        """The next piece of that text. Raises NotCondensed where the process ended meanwhile."""
        with self._turn:
            self._sent(running, number, kind=child.PIECE, given=piece)

    def content(self, running: _Child, number: int, *, why: str) -> bytes:
        """What is kept of that text, which is over. Raises NotCondensed likewise."""
        with self._turn:
            content = self._sent(running, number, kind=child.CONTENT, given=why.encode())
            self._under_way.discard(number)
            if not self._under_way:
                self._stop()
            return content

    def drop(self, number: int) -> None:
        """That text is forgotten before anything else is sent: here nobody has to wait for that."""
        self._dropped.append(number)

    def _started(self) -> _Child:
        if self._child and self._child.has_ended:
            log.warning("the process that condenses long answers ended; it is started again")
            self._stop()
        if self._is_over:
            raise NotCondensed("the toolrunner stops")
        try:
            self._child = self._child or _Child(stuck_seconds=self.stuck_seconds)
        except OSError as error:
            raise NotCondensed(str(error)) from error
        return self._child

    def _sent(self, running: _Child, number: int, *, kind: bytes, given: bytes) -> bytes:
        if running is not self._child:
            raise NotCondensed("the process that had the text ended")
        try:
            while self._dropped:
                dropped = self._dropped.popleft()
                self._under_way.discard(dropped)
                running.send(dropped, child.DROP)
            running.send(number, kind, given=given)
            return running.answer() if kind == child.CONTENT else b""
        except OSError as error:
            log.warning("the process that condenses long answers is ended: %s", error)
            self._stop()
            raise NotCondensed(str(error)) from error

    def _stop(self) -> None:
        if self._child:
            self._child.end()
        self._child = None
        self._under_way.clear()


@dataclass(frozen=True)
class _Text:
    """A text that the process has under that number."""

    condensing: Condensing
    running: _Child
    number: int

    def add(self, piece: bytes) -> None:
        self.condensing.add(self.running, self.number, piece=piece)

    def content(self, why: str) -> bytes:
        return self.condensing.content(self.running, self.number, why=why)

    def drop(self) -> None:
        self.condensing.drop(self.number)
