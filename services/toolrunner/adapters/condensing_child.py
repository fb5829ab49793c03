"""The process that decodes and condenses long texts, beside the toolrunner and not in its way.

It reads frames from its standard input, a socket, and answers there with what is kept of a text.
It ends with that socket, so with the toolrunner, however that ends.
"""

import contextlib
import json
import os
import socket
from collections.abc import Callable
from struct import Struct
from typing import BinaryIO

from services.toolrunner.long_texts import Unescaped

FRAME = Struct(">IcI")
"""The number of a text, what follows, and its length."""
BEGIN, PIECE, CONTENT, DROP = b"b", b"p", b"c", b"d"
LENGTH = Struct(">I")
"""Before what is kept of a text, the answer to `CONTENT`."""
LESS = 10
"""So much less is its priority: who waits for an answer that is not long goes first."""


def serve(
    read: BinaryIO, answer: Callable[[bytes], object], *, texts: dict[int, Unescaped]
) -> None:
    """Return when there are no more frames; `texts` are those under way.

    A thread may still follow a text that was dropped; nobody reads what becomes of it.
    """
    while len(head := read.read(FRAME.size)) == FRAME.size:
        number, kind, length = FRAME.unpack(head)
        given = read.read(length)
        if kind == BEGIN:
            texts[number] = Unescaped(**json.loads(given))
        elif kind == DROP:
            texts.pop(number, None)
        elif kind == PIECE and number in texts:
            texts[number].add(given)
        elif kind == CONTENT:
            text = texts.pop(number, None)
            content = text.content(given.decode()) if text else b""
            answer(LENGTH.pack(len(content)) + content)


if __name__ == "__main__":
    os.nice(LESS)
    with (
        contextlib.suppress(ConnectionError),
        socket.socket(fileno=0) as toolrunner,
        toolrunner.makefile("rb") as frames,
    ):
        serve(frames, toolrunner.sendall, texts={})
