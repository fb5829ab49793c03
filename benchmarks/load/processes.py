"""Processes that are measured: started, asked for their CPU, ended by their id."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from cli.stack import ROOT, clean_environment
from simulator.redis_server import RedisServer, any_redis, free_port

TICK = os.sysconf("SC_CLK_TCK")
MODEL_SECONDS = 1.0
TURNS = 6


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used so far, in user and kernel; from /proc, so on Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mb(pid: int) -> float:
    """Memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def machine_seconds() -> tuple[float, float]:
    """CPU seconds of all cores since boot: busy ones, and all of them."""
    first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0]
    told = [int(part) / TICK for part in first.split()[1:9]]
    return sum(told) - told[3] - told[4], sum(told)


@dataclass
class Parts:
    """Redis, model, toolrunner and reasoner, each a process. Use it as a context manager."""

    settings: Mapping[str, str] = field(default_factory=dict)
    reasoner: tuple[str, ...] = ("-m", "services.reasoner")
    """How the reasoner is started, behind the interpreter."""
    redis: RedisServer = field(init=False)
    model_port: int = 0
    http_port: int = field(default_factory=free_port)
    pids: dict[str, int] = field(default_factory=dict)
    start_seconds: float = 0.0
    """From the reasoner's start until it was ready."""
    _running: list["subprocess.Popen[str]"] = field(default_factory=list)

    def __enter__(self) -> "Parts":
        """All of them answer."""
        self.redis = any_redis()
        self.pids["Redis"] = self.redis.pid
        try:
            model = ("-m", "benchmarks.load.model", str(MODEL_SECONDS), str(TURNS))
            self.model_port = int(self._start("model", model))
            self._start("tools", ("-m", "benchmarks.load.tools"))
            self._start("reasoner", self.reasoner, waits=False)
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """All of them have ended."""
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.redis.stop()

    def cpu(self) -> dict[str, float]:
        """CPU seconds of every process so far."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def _start(self, name: str, command: tuple[str, ...], *, waits: bool = True) -> str:
        """Start a process; the first line that it writes, where it writes one."""
        env = clean_environment() | {
            "REDIS_URL": self.redis.url,
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.model_port}",
            "NIGHTSHIFT_HTTP_HOST": "127.0.0.1",
            "NIGHTSHIFT_HTTP_PORT": str(self.http_port),
            "NIGHTSHIFT_REPLICA": name,
            "NIGHTSHIFT_MAX_DAY_COST_USD": "1000000",
            "NIGHTSHIFT_LOG_LEVEL": "WARNING",
            **self.settings,
        }
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE if waits else None,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        self.pids[name] = process.pid
        return process.stdout.readline() if process.stdout else ""

    def _wait_until_ready(self) -> None:
        began = time.monotonic()
        give_up_at = began + 60
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{self.http_port}/readyz", timeout=3):
                    self.start_seconds = time.monotonic() - began
                    return
            except OSError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.1)
