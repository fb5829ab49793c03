"""Connections to the model API: kept between turns, few where few are needed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.load.model import Desk, reply
from services.reasoner.adapters.connections import IN_A_POOL, http_client

SIDE_BY_SIDE = 10 * IN_A_POOL
"""More than the 100 idle connections that the SDK's own pool keeps."""


class Counting(Desk):
    """A model that counts the connections that are made to it."""

    connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection more."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.waiting.add(task)
        await super().serve(reader, writer)


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[Counting, str]]:
    """The model and its address."""
    desk = Counting(0.02, [reply(1, 1)])
    server = await asyncio.start_server(desk.serve, "127.0.0.1", 0, backlog=1024)
    async with server:
        yield desk, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/messages"
        await asyncio.gather(*desk.waiting)  # the client has gone: each connection ends


async def test_a_second_wave_of_calls_opens_no_connection_anew() -> None:
    async with counting() as (desk, address), http_client() as client:
        for _ in range(3):
            await asyncio.gather(*(client.post(address) for _ in range(SIDE_BY_SIDE)))
        assert desk.peak > 100
        assert desk.connections <= SIDE_BY_SIDE


async def test_calls_one_after_the_other_share_one_connection() -> None:
    async with counting() as (desk, address), http_client() as client:
        for _ in range(2 * IN_A_POOL):
            await client.post(address)
        assert desk.connections == 1
