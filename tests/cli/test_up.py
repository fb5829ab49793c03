"""`nightshift up`: how it ends, what is left of it, and which port its Redis takes."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.nightshift import PARTS, STARTED, locked, up

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are read from /proc"),
]


@contextlib.contextmanager
def taken(port: int, lock: Path) -> Iterator[None]:
    """Somebody listens on that port: this test, where nobody else does."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with locked(lock), contextlib.suppress(OSError):
            listening.bind(("127.0.0.1", port))
            listening.listen()
        yield


def test_up_beside_another_redis_takes_and_names_another_port_and_sigterm_leaves_nothing(
    tmp_path: Path, port_lock: Path
) -> None:
    with taken(6379, port_lock), up(folder=tmp_path, lock=port_lock) as started:
        started.read_until(STARTED)
        port = started.redis_port
        assert port != 6379
        assert f"redis-cli -p {port} XADD nightshift:incidents" in started.output
        assert len(started.parts) >= PARTS
        assert (tmp_path / ".nightshift" / "up.json").exists()
        end = started.end(signal.SIGTERM)
        assert (end.code, end.errors) == (0, "")
        assert end.output.endswith("stopped; nothing is left running\n")
        assert started.left() == {}
        assert not (tmp_path / ".nightshift" / "up.json").exists()


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path, port_lock: Path) -> None:
    with up(folder=tmp_path, lock=port_lock) as started:
        started.read_until("ingest-1 is ready")
        end = started.end(signal.SIGINT)
        assert (end.code, end.errors) == (0, "")
        assert started.left() == {}


def test_part_that_is_killed_ends_all_with_its_name_and_last_words(
    tmp_path: Path, port_lock: Path
) -> None:
    with up(folder=tmp_path, lock=port_lock) as started:
        said = started.read_until("notifier-1 is ready (process ")
        started.read_until(STARTED)
        os.kill(int(said.rpartition("process ")[2].strip(")\n")), signal.SIGKILL)
        end = started.ended()
        assert end.code == 1
        (sentence,) = end.errors.splitlines()
        assert sentence.startswith("nightshift up: notifier-1 ended with -9: ")
        assert "notifier started" in sentence
        assert started.left() == {}


def test_part_that_cannot_start_ends_all_with_its_own_sentence(
    tmp_path: Path, port_lock: Path
) -> None:
    with up(folder=tmp_path, lock=port_lock, NIGHTSHIFT_MAX_TURNS="many") as started:
        started.read_until("starting four services")
        end = started.ended()
        assert end.code == 1
        (sentence,) = end.errors.splitlines()
        assert sentence.startswith("nightshift up: reasoner-1 ended with 1: nightshift reasoner: ")
        assert "NIGHTSHIFT_MAX_TURNS" in sentence
        assert started.left() == {}
