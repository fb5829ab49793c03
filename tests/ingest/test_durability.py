"""Redis 7.2 and newer says what is on disk; the machine's may be older, so its answer is put in.

A connection to the real Redis passes through a relay that turns the one command an older server
does not know into a script with the newer server's answer. Everything else is real.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from bus.errors import Unavailable
from bus.events import NoticeRequested
from bus.streams import NOTICES
from bus.testing import entries
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.ports import Written
from tests.conftest import MakeBus

ASKED = b"*4\r\n$7\r\nWAITAOF\r\n$1\r\n1\r\n$1\r\n0\r\n$4\r\n3000\r\n"
NOTICE = NoticeRequested(text="a sentence")


def script(code: bytes) -> bytes:
    return b"*3\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n0\r\n" % (len(code), code)


@asynccontextmanager
async def relay(redis_url: str, answer: bytes) -> AsyncIterator[str]:
    """The address of a Redis that answers the question about its disk like that."""
    real = urlsplit(redis_url)
    open_ones: list[asyncio.StreamWriter] = []

    def forged(chunk: bytes) -> bytes:
        return chunk.replace(ASKED, script(answer))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)
        back, forth = await asyncio.open_connection(real.hostname, real.port)
        async with asyncio.TaskGroup() as both:
            both.create_task(
                pump(reader, forth, lambda chunk: chunk.replace(ASKED, script(answer)))
            )
            both.create_task(pump(back, writer, bytes))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}{real.path}"
        for writer in open_ones:
            writer.close()


async def pump(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, change: Callable[[bytes], bytes]
) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await source.read(65_536):
            target.write(change(chunk))
            await target.drain()
    target.close()


async def test_what_redis_says_is_on_disk_is_durable_at_once(
    make_bus: MakeBus, redis_url: str
) -> None:
    make_bus("ingest")  # the first one outlives the relay: it clears away what the test wrote
    async with relay(redis_url, b"return {1, 0}") as address:
        bus = make_bus("ingest", redis_url=SecretStr(address))
        fingerprints = RedisFingerprints(bus)

        first = await fingerprints.write_once("a", [NOTICE])
        again = await fingerprints.write_once("a", [NOTICE])

        assert first == Written(first=True, durable=True)
        assert again == Written(first=False, durable=True)
        await bus.redis.aclose()


async def test_what_redis_has_not_put_on_disk_is_not_taken_as_written(
    make_bus: MakeBus, redis_url: str
) -> None:
    """The message stays in the queue; its next delivery finds the entry and writes no second."""
    directly = make_bus("ingest")
    async with relay(redis_url, b"return {0, 0}") as address:
        bus = make_bus("ingest", redis_url=SecretStr(address))

        with pytest.raises(Unavailable, match="on disk"):
            await RedisFingerprints(bus).write_once("a", [NOTICE])

        await bus.redis.aclose()
    assert not (await RedisFingerprints(directly).write_once("a", [NOTICE])).first
    assert len(await entries(directly, NOTICES)) == 1


async def test_a_redis_without_the_question_is_asked_once_and_never_called_durable(
    make_bus: MakeBus, redis_url: str
) -> None:
    make_bus("ingest")  # the first one outlives the relay: it clears away what the test wrote
    async with relay(redis_url, b"return redis.error_reply('ERR unknown command')") as address:
        bus = make_bus("ingest", redis_url=SecretStr(address))
        fingerprints = RedisFingerprints(bus)

        written = [await fingerprints.write_once(content, [NOTICE]) for content in ("a", "b", "a")]

        assert [one.first for one in written] == [True, True, False]
        assert not any(one.durable for one in written)
        await bus.redis.aclose()
