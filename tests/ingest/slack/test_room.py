"""Slack's path holds little of what strangers send.

It read every body before it looked at the signature, without a count: 600 connections of a megabyte
each were 755 MB.
"""

import asyncio
import time

import pytest

from bus.process import Service
from tests.ingest.slack.conftest import SECRET
from tests.ingest.slack.forging import Request, Wire, good, mutations, send, wire

pytestmark = pytest.mark.timeout(30)
MEBIBYTE = 1024 * 1024
JUDGED_BY_ITS_BODY = {
    "another secret",
    "another timestamp",
    "another body",
    "the same body, encoded anew",
    "one more byte",
    "no body",
    "a challenge",
}


def head(headers: Wire, length: int) -> bytes:
    lines = [b"POST /slack/events HTTP/1.1", b"Host: nightshift", b"Connection: close"]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % length, b"", b""])


async def begun(port: int, request: Request, *, length: int) -> int:
    """The status of a request whose body never ends; 0 when it was cut off without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head(request[0], length) + request[1])
        first = await asyncio.wait_for(reader.readline(), timeout=3)
        return int(first.split()[1]) if first else 0
    except ConnectionError:
        return 0
    finally:
        writer.transport.abort()


async def test_a_head_that_is_not_slacks_is_401_before_its_body(by_http: Service) -> None:
    forged = {
        name: (headers, b"")
        for name, (headers, _) in mutations(time.time()).items()
        if name not in JUDGED_BY_ITS_BODY
    }

    statuses = [await begun(by_http.http_port, each, length=99) for each in forged.values()]

    assert statuses == [401] * len(forged)
    assert len(forged) >= 15


async def test_unsigned_bodies_have_a_bound_for_all_and_the_slow_make_way_for_slack(
    by_http: Service,
) -> None:
    """A right form is not yet a signature: those have to be read."""
    unsigned = wire(b"x" * (MEBIBYTE - 1), secret=SECRET[::-1])
    slow = [
        asyncio.create_task(begun(by_http.http_port, unsigned, length=MEBIBYTE)) for _ in range(16)
    ]

    done, held = await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
    async with asyncio.timeout(5):
        while (await send(by_http.http_port, good()))[0] != 200:
            continue

    assert {task.result() for task in done} <= {503, 0}
    assert len(held) <= 15
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
