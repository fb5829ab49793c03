"""`python -m services.toolrunner.servers`: the built-in MCP servers on the loopback address."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from threading import Thread

import uvicorn
from opentelemetry import trace

from bus.errors import NotConfigured
from bus.logs import set_up_logging
from bus.serving import HttpServer
from bus.settings import load, variable_of
from bus.tracing import Tracing
from services.toolrunner.servers.app import build
from services.toolrunner.servers.settings import ServersSettings

NAME = "toolrunner-servers"
HOST = "127.0.0.1"
KEPT_SECONDS = 75
"""Far longer than a client keeps an unused connection: who closes first must not be the server,
which would lose a request that is on its way."""
log = logging.getLogger(__name__)


def main() -> None:
    """Serve until SIGTERM or SIGINT, then exit 0; exit 1 with one sentence when that cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m services.toolrunner.servers",
        description="The built-in MCP servers: kubernetes, github, cloudwatch.",
    )
    parser.add_argument("--check", action="store_true", help="validate and print the settings")
    parser.add_argument(
        "--until-input-ends", action="store_true", help="stop when standard input ends"
    )
    given = parser.parse_args()
    try:
        settings = load(ServersSettings)
        if given.check:
            _show(settings)
            return
        set_up_logging(NAME, settings.log_level)
        asyncio.run(_serve(settings, until_input_ends=given.until_input_ends))
    except NotConfigured as error:
        sys.exit(f"nightshift {NAME}: {error}")


async def _serve(settings: ServersSettings, *, until_input_ends: bool) -> None:
    tracing = Tracing(NAME, f"{socket.gethostname()}-{os.getpid()}")
    trace.set_tracer_provider(tracing.provider)
    listening = _listen(settings.servers_port)
    config = uvicorn.Config(
        build(settings),
        log_level="warning",
        timeout_graceful_shutdown=8,
        timeout_keep_alive=KEPT_SECONDS,
    )
    server = HttpServer(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    if until_input_ends:
        stop = partial(setattr, server, "should_exit", True)
        Thread(target=_at_end_of_input, args=(loop, stop), daemon=True).start()
    log.info("serving on http://%s:%s", HOST, listening.getsockname()[1])
    await server.serve(sockets=[listening])
    log.info("stopped")
    await asyncio.to_thread(tracing.stop)


def _at_end_of_input(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop may be closed by now
        loop.call_soon_threadsafe(stop)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise NotConfigured(
            f"port {port} cannot be listened on ({error.strerror}); set NIGHTSHIFT_SERVERS_PORT"
        ) from None


def _show(settings: ServersSettings) -> None:
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        sys.stdout.write(f"{variable_of(ServersSettings, field)}={value}\n")


if __name__ == "__main__":
    main()
