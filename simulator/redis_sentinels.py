"""A real Redis with a replica and three Sentinels, all on loopback, to be failed over."""

import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from simulator.redis_server import NoRedis, RedisServer, free_port

MASTER = "mymaster"
CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{folder}"
loglevel warning
sentinel myid {name}
sentinel monitor {master} 127.0.0.1 {watched} 2
sentinel down-after-milliseconds {master} {down_after_ms}
sentinel failover-timeout {master} 5000
"""


class WatchedRedis(RedisServer):
    """The first master itself, with all that watches it; `url` names the Sentinels."""

    def __init__(
        self, binary: str, kind: str, *, folder: Path | None = None, down_after_ms: int = 1000
    ) -> None:
        super().__init__(binary, f"three Sentinels over {kind}", folder=folder)
        self.settings = {"repl-diskless-sync-delay": "0"}  # else the replica waits for others
        self.replica = RedisServer(binary, kind, folder=self.folder / "replica")
        self.replica.settings = {"replicaof": f"127.0.0.1 {self.port}"}
        self.down_after_ms = down_after_ms
        self.ports = [free_port() for _ in range(3)]
        self._sentinels: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """What REDIS_URL takes."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://{hosts}/{MASTER}/0"

    def start(self) -> "WatchedRedis":
        """The replica follows the master, and each Sentinel knows both and the others.

        Raises NoRedis when that does not come about in 20 s.
        """
        super().start()
        self.replica.start()
        names = [secrets.token_hex(20) for _ in self.ports]
        self._wait(self.follows, "the replica did not follow")
        for number in range(len(self.ports)):
            self._sentinels.append(self._start_sentinel(number, names))
        self._wait(lambda: all(map(self._is_whole, self.ports)), "the Sentinels did not meet")
        return self

    def follows(self) -> bool:
        """Whether the replica has a link to the master."""
        with Redis(port=self.replica.port) as replica:
            found = replica.info("replication")
        return (found.get("role"), found.get("master_link_status")) == ("slave", "up")

    def deafen_replica(self) -> None:
        """The replica hears nothing more of the master: what is written now, it will not have."""
        with Redis(port=self.replica.port) as replica, Redis(port=self.port) as master:
            replica.config_set("masterauth", secrets.token_hex(4))
            master.client_kill_filter(_type="replica")
        self._wait(lambda: not self.follows(), "the replica still follows")

    def master_port(self) -> int:
        """The port of what the first Sentinel calls the master."""
        with Redis(port=self.ports[0]) as sentinel:
            _, port = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return int(port)

    def stop(self) -> None:
        """Nothing of it runs, and its temporary folder is gone."""
        for sentinel in self._sentinels:
            sentinel.kill()
            sentinel.wait()
        self.replica.kill()
        self.kill()  # asked to end, a master waits for its replica
        self.replica.stop()
        super().stop()

    def _start_sentinel(self, number: int, names: list[str]) -> "subprocess.Popen[bytes]":
        port = self.ports[number]
        folder = self.folder / f"sentinel-{number}"
        folder.mkdir()
        text = CONFIGURATION.format(
            port=port,
            folder=folder,
            name=names[number],
            master=MASTER,
            watched=self.port,
            down_after_ms=self.down_after_ms,
        )
        text += f"sentinel known-replica {MASTER} 127.0.0.1 {self.replica.port}\n"
        for other, name in zip(self.ports, names, strict=True):
            if other != port:
                text += f"sentinel known-sentinel {MASTER} 127.0.0.1 {other} {name}\n"
        file = folder / "sentinel.conf"
        file.write_text(text, encoding="utf-8")
        with (folder / "sentinel.log").open("ab") as output:
            command = [self.binary, str(file), "--sentinel"]
            return subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)

    def _is_whole(self, port: int) -> bool:
        with Redis(port=port) as sentinel:
            state = sentinel.execute_command("SENTINEL", "CKQUORUM", MASTER)
        return b"OK" in bytes(state)

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        give_up_at = time.monotonic() + 20
        while not _holds(condition):
            if time.monotonic() > give_up_at:
                raise NoRedis(otherwise)
            time.sleep(0.02)


def watched_redis(*, folder: Path | None = None, down_after_ms: int = 1000) -> WatchedRedis | None:
    """The machine's Redis with Sentinels, not yet started, where it has a `redis-server`."""
    binary = shutil.which("redis-server")
    if binary is None:
        return None
    kind = f"redis-server at {binary}"
    return WatchedRedis(binary, kind, folder=folder, down_after_ms=down_after_ms)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except (RedisError, OSError):
        return False
