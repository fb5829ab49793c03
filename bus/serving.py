"""An HTTP server inside a process that minds its own signals."""

import contextlib
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette


class HttpServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take over no signal."""
        yield


def http_server(app: Starlette, *, host: str, port: int) -> HttpServer:
    """A quiet server on that address; port 0 takes a free one."""
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", lifespan="off", timeout_graceful_shutdown=2
    )
    return HttpServer(config)
