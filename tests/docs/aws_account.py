"""An empty account of AWS: moto, as a process of its own.

moto's state is the process's, and another test's may be in this one.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from simulator.redis_server import free_port
from tests.waiting import until

REGION = "eu-west-2"


@contextlib.contextmanager
def aws_account(log: Path) -> Iterator[dict[str, str]]:
    """The variables by which an SDK reaches it."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", url.rpartition(":")[2]]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        await_answer(url, process, log)
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
    finally:
        process.kill()
        process.wait()


def await_answer(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """The server answers."""

    def answers() -> bool:
        try:
            with urlopen(f"{url}/moto-api/data.json", timeout=5):
                return True
        except OSError:
            return False

    until(answers, seconds=40, what=log.read_text, alive=lambda: process.poll() is None)
