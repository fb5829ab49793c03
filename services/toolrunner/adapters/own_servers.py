"""The built-in MCP servers as a child of the toolrunner, where nobody else runs them.

The child listens on a free loopback port behind a token made for it, and ends when this process
does, however that ends: it holds the other end of a pipe.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import sys
import time
from dataclasses import dataclass, field

from bus.errors import NotConfigured

log = logging.getLogger(__name__)
FIRST_SECONDS = 20.0
"""A child that fails this soon after its first start has wrong settings; it said so itself."""
PAUSE_SECONDS = 2.0


@dataclass
class OwnServers:
    """One child process, kept running."""

    port: int = field(default_factory=lambda: _free_port())
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    async def keep(self) -> None:
        """The child runs until this is cancelled; a child that ends is started again.

        Raises NotConfigured when the first one ends with an error at once.
        """
        began = time.monotonic()
        while True:
            child = await self._start()
            try:
                code = await child.wait()
            finally:
                await _end(child)
            if code and time.monotonic() - began < FIRST_SECONDS:
                raise NotConfigured(
                    f"the built-in MCP servers ended with {code}: see their message"
                )
            log.warning("the built-in MCP servers ended with %s; starting them again", code)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _start(self) -> asyncio.subprocess.Process:
        given = {
            "NIGHTSHIFT_SERVERS_PORT": str(self.port),
            "NIGHTSHIFT_SERVERS_TOKEN": self.token,
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.toolrunner.servers", "--until-input-ends"),
            stdin=asyncio.subprocess.PIPE,
            env=os.environ | given,
        )


async def _end(child: asyncio.subprocess.Process) -> None:
    """The child has ended: by its own choice, by SIGTERM, or after three seconds by SIGKILL."""
    if child.returncode is None:
        child.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), 3)
    if child.returncode is None:
        child.kill()
        await child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
