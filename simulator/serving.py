"""One app on one free loopback port, inside the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from simulator.striking import TRANSPORT

START_SECONDS = 30
GRACE_SECONDS = 1


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals belong to the process, which runs several servers and stops them together.
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Lent(H11Protocol):
    """Lends the connection to the app, which can end it in the middle of an answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is in the state that every request of it is given."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"a connection that cannot be written to: {transport!r}")
        super().connection_made(transport)
        self.app_state = self.app_state | {TRANSPORT: transport}


class Served:
    """An app that listens from `start` to `stop`; its address is known before it listens.

    Without a `port` it takes a free one; with the empty `host` every address of the machine.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self._socket = socket.socket()
        self._socket.bind((host, port))
        scheme = "http" if certificate is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        self._app = app
        self._tls = {"ssl_certfile": certificate, "ssl_keyfile": key} if certificate else {}
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """The app answers at the address that is returned; raises RuntimeError when it cannot."""
        config = uvicorn.Config(
            self._app,
            http=Lent,
            ws="websockets-sansio",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_certfile=self._tls.get("ssl_certfile"),
            ssl_keyfile=self._tls.get("ssl_keyfile"),
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        ready = asyncio.create_task(self._server.ready.wait())
        tasks = {self._task, ready}
        await asyncio.wait(tasks, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not self._server.started:
            raise RuntimeError(f"nothing listens at {self.address}")
        return self.address

    async def stop(self) -> None:
        """Nothing listens any more; requests under way got one second to finish."""
        if self._server is None or self._task is None:
            self._socket.close()
            return
        self._server.should_exit = True
        await self._task


@contextlib.asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The address of the app, which listens as long as the block lasts."""
    listener = Served(app)
    try:
        yield await listener.start()
    finally:
        await listener.stop()
