"""A Messages API that costs next to nothing: `python -m benchmarks.load.model SECONDS TURNS`.

Every reply takes so many seconds. Replies before the last turn ask for one tool; the last one
submits a diagnosis that quotes the first result. `GET /figures` tells how many calls it had, and
how many were in flight at the same time at most; `POST /reset` forgets that. Prints its port.
"""

import asyncio
import json
import re
import sys
from dataclasses import dataclass, field

from benchmarks.load.tools import QUOTED, TOOL

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ASKED = re.compile(rb'"role": ?"assistant"')
USAGE = {"input_tokens": 2_000, "output_tokens": 300, "cache_read_input_tokens": 4_000}
MOST_BYTES = 32 << 20


def reply(turn: int, turns: int) -> bytes:
    """The whole HTTP answer to the request of that turn."""
    submitted = {
        "verdict": "fault",
        "summary": "The cart service throws for one product; every checkout with it fails.",
        "root_cause": "A check in AddItemAsync refuses the product.",
        "component": "cartservice",
        "evidence": [{"call_id": "1-1", "quote": QUOTED}],
        "ruled_out": [{"cause": "Redis is down", "reason": "the trace has no frame of a client"}],
        "gaps": [],
        "confidence": "high",
    }
    asked = {"namespace": "boutique", "pod": "cartservice-1", "tail_lines": 1000}
    last = turn >= turns
    use = {
        "type": "tool_use",
        "id": f"toolu_{turn:024d}",
        "name": "submit_diagnosis" if last else TOOL,
        "input": submitted if last else asked,
    }
    said = {"type": "text", "text": f"Turn {turn}: the next question is what the log says. " * 4}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [said, use],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": USAGE,
    }
    return answer(json.dumps(message).encode())


def answer(body: bytes) -> bytes:
    """An HTTP answer with that JSON."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


@dataclass
class Desk:
    """Answers, and counts what is under way."""

    seconds: float
    replies: list[bytes]
    calls: int = 0
    in_flight: int = 0
    peak: int = 0
    waiting: set["asyncio.Task[None]"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until the client closes it."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                writer.write(await self._answer(head, body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"POST /v1/messages"):
            self.calls += 1
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            turn = len(_ASKED.findall(body))
            await asyncio.sleep(self.seconds)
            self.in_flight -= 1
            return self.replies[min(turn, len(self.replies) - 1)]
        told = {"calls": self.calls, "peak": self.peak}
        if head.startswith(b"POST /reset"):
            self.calls, self.peak = 0, self.in_flight
        return answer(json.dumps(told).encode())


async def main(seconds: float, turns: int) -> None:
    """Serve until the process is ended."""
    desk = Desk(seconds, [reply(turn, turns) for turn in range(1, turns + 1)])
    server = await asyncio.start_server(desk.serve, "127.0.0.1", 0, limit=MOST_BYTES, backlog=2048)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2])))
