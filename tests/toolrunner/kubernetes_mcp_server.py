"""The community's kubernetes-mcp-server: its binary from npm, its settings, and it over HTTP."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2

from bus.testing import eventually

PACKAGE = "kubernetes-mcp-server"
VERSION = "0.0.67"
INSTALL_SECONDS = 150
SIX = (
    "pods_list_in_namespace",
    "pods_get",
    "pods_log",
    "events_list",
    "resources_list",
    "resources_get",
)
SETTINGS = f"""
read_only = true
toolsets = ["core"]
enabled_tools = {list(SIX)}
list_output = "table"

[[denied_resources]]
version = "v1"
kind = "Secret"

[[denied_resources]]
version = "v1"
kind = "ConfigMap"
"""
"""As docs/community-servers.md has them."""
ENVIRONMENT = {"KUBE_CLIENT_QPS": "200", "KUBE_CLIENT_BURST": "400"}


class NotInstalled(Exception):
    """The package cannot be had on this machine; the text says why."""


def install(folder: Path) -> Path:
    """The binary, out of the package for this platform. Raises NotInstalled."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled("this machine has no npm")
    if not (found := _binaries(folder)):
        words = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(
                [*words, "--prefix", str(folder), f"{PACKAGE}@{VERSION}"],
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotInstalled(f"npm did not end within {INSTALL_SECONDS} s") from None
        if done.returncode:
            raise NotInstalled(f"npm ended with {done.returncode}: {done.stderr[-300:]}")
        found = _binaries(folder)
    if not found:
        raise NotInstalled(f"{PACKAGE} {VERSION} has no binary for this platform")
    return found[0]


def _binaries(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"node_modules/{PACKAGE}-*/bin/{PACKAGE}-*"))


@contextlib.asynccontextmanager
async def over_http(binary: Path, *options: str) -> AsyncIterator[int]:
    """The server on a free loopback port: without an address it would listen on all of them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        str(binary),
        *("--port", str(port), "--bind-address", "127.0.0.1", *options),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | ENVIRONMENT,
    )

    async def answers() -> bool:
        async with httpx2.AsyncClient() as client:
            with contextlib.suppress(httpx2.HTTPError):
                return (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
        return False

    try:
        await eventually(answers, seconds=20)
        yield port
    finally:
        process.terminate()
        await process.wait()
