"""`nightshift up`: how it ends, what is left of it, and which port its Redis takes."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from simulator.redis_server import RedisServer
from tests.cli.nightshift import PARTS, STARTED, locked, run, up
from tests.simulator.scenario_file import small_file

pytestmark = [
    pytest.mark.xdist_group("port 6379"),
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


def test_a_given_redis_with_a_password_is_found_by_other_commands_and_shown_without_it(
    tmp_path: Path, port_lock: Path, own_redis: RedisServer
) -> None:
    hidden = "word" + "9"
    state = tmp_path / ".nightshift" / "up.json"
    url = f"redis://127.0.0.1:{own_redis.port}/0?password={hidden}"
    with Redis.from_url(own_redis.url) as redis:
        redis.config_set("requirepass", hidden)
        try:
            with up(folder=tmp_path, lock=port_lock, REDIS_URL=url) as started:
                started.read_until(STARTED)
                published = run("publish", folder=tmp_path)
                mode = state.stat().st_mode & 0o777
                end = started.end(signal.SIGTERM)
        finally:
            redis.config_set("requirepass", "")
    assert (end.code, end.errors, published.code, mode) == (0, "", 0, 0o600)
    assert f"REDIS_URL={own_redis.url}\n" in end.output
    assert f"redis-cli -p {own_redis.port} XADD" in end.output
    assert hidden not in end.output
    assert not state.exists()


def test_a_start_that_fails_leaves_what_another_one_announced(tmp_path: Path) -> None:
    state = tmp_path / ".nightshift" / "up.json"
    state.parent.mkdir()
    text = '{"redis_url": "redis://127.0.0.1:9/0", "control": "http://127.0.0.1:9", "process": "1"}'
    state.write_text(text, encoding="utf-8")

    end = run("up", folder=tmp_path, REDIS_URL="nowhere")

    assert end.code == 1
    assert state.read_text(encoding="utf-8") == text


def test_scenario_file_of_this_folder_is_found(tmp_path: Path, port_lock: Path) -> None:
    small_file(tmp_path)
    with up("small.yaml", folder=tmp_path, lock=port_lock) as started:
        started.read_until("starting four services")
        assert started.end(signal.SIGINT).code == 0


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path, port_lock: Path) -> None:
    with up(folder=tmp_path, lock=port_lock) as started:
        started.read_until("ingest-1 is ready")
        end = started.end(signal.SIGINT)
        assert (end.code, end.errors) == (0, "")
        assert started.left() == {}


def test_part_that_is_killed_ends_all_with_its_name_the_signal_and_its_log(
    tmp_path: Path, port_lock: Path
) -> None:
    with up(folder=tmp_path, lock=port_lock) as started:
        said = started.read_until("notifier-1 is ready (process ")
        started.read_until(STARTED)
        os.kill(int(said.rpartition("process ")[2].strip(")\n")), signal.SIGKILL)
        end = started.ended()
        assert end.code == 1
        (sentence,) = end.errors.splitlines()
        said_of_it, _, folder = sentence.partition("; logs: ")
        ended_by = "notifier-1 was ended by signal 9 (Killed); its log is notifier-1.log"
        assert said_of_it == f"nightshift up: {ended_by}"
        assert (Path(folder) / "notifier-1.log").is_file()
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
