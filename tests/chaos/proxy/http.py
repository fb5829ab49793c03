"""HTTP/1.1, cut into whole requests and answers."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class Head:
    """The first line and the headers, as they came and by lower-case name."""

    raw: bytes
    first: str
    headers: dict[str, str]

    @property
    def length(self) -> int:
        """The announced length of the body; 0 where there is none."""
        return int(self.headers.get("content-length", "0"))

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.first.split(" ")[1])

    @property
    def method(self) -> str:
        """The method of a request."""
        return self.first.split(" ")[0]

    @property
    def path(self) -> str:
        """The path of a request, with its query."""
        return self.first.split(" ")[1]


async def read_head(reader: asyncio.StreamReader) -> Head:
    """The next head. Raises IncompleteReadError where the connection ends."""
    raw = await reader.readuntil(b"\r\n\r\n")
    first, *lines = raw[:-4].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Head(raw, first, {name.strip().lower(): value.strip() for name, _, value in pairs})


async def read_body(reader: asyncio.StreamReader, head: Head) -> tuple[bytes, bytes]:
    """The body as it came and as it was meant."""
    if not head.chunked:
        body = await reader.readexactly(head.length)
        return body, body
    raw, plain = b"", b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        chunk = await reader.readexactly(size + 2)
        raw, plain = raw + line + chunk, plain + chunk[:-2]
        if size == 0:
            return raw, plain


def answer(status: int, headers: dict[str, str], body: bytes) -> bytes:
    """An answer of the proxy's own."""
    given = {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {status} said by the proxy", *(f"{k}: {v}" for k, v in given.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
