"""Where forked processes come from: one zygote per module, started at first use and kept.

See `tests.chaos.zygote` for what a zygote is and why. `close` ends all of them with all children;
they also end by themselves when this process does.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.stack import ROOT, clean_environment

ALSO = {
    "simulator": (
        "simulator.control",
        "simulator.slack",
        "simulator.otlp",
        "simulator.kubernetes",
        "simulator.github",
        "simulator.model",
        "simulator.aws",
        "moto.server",
    ),
}
"""What a module imports only while it starts."""
START_SECONDS = 60


class ForkFailed(Exception):
    """A zygote could not be started or did not fork; the text says which."""


@dataclass
class Forked:
    """A child of a zygote."""

    name: str
    pid: int
    log: Path
    zygote: "Zygote"

    @property
    def code(self) -> int | None:
        """How it ended (negative: by which signal); None while it runs or is frozen."""
        return self.zygote.codes.get(self.name)

    def send(self, number: signal.Signals) -> None:
        """The signal was sent, unless the process has ended."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float = 10) -> int:
        """The exit code, once it has ended. Raises ForkFailed after that time."""
        return self.zygote.wait_for(self.name, self.zygote.codes, seconds=seconds)

    def last_words(self) -> str:
        """The end of its output."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return "\n".join(lines[-3:])[-1500:] if lines else "it wrote nothing"


@dataclass
class Zygote:
    """One zygote process; its words are read by a thread of ours."""

    module: str
    pids: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    _ready: dict[str, int] = field(default_factory=dict)
    _heard: threading.Condition = field(default_factory=threading.Condition)
    _process: "subprocess.Popen[bytes]" = field(init=False)
    _reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        also = ALSO.get(self.module, ())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zygote", self.module, *also],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def fork(self, name: str, env: Mapping[str, str], *, log: Path, args: Sequence[str]) -> Forked:
        """A child that is becoming the module; the name must be new. Raises ForkFailed."""
        self.wait_for("ready", self._ready, seconds=START_SECONDS)
        order = {"name": name, "env": dict(env), "log": str(log), "args": list(args)}
        assert self._process.stdin is not None
        log.touch(mode=0o600)
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        pid = self.wait_for(name, self.pids, seconds=START_SECONDS)
        return Forked(name, pid, log, self)

    def wait_for(self, name: str, known: Mapping[str, int], *, seconds: float) -> int:
        """What becomes known under that name. Raises ForkFailed after that time."""
        give_up_at = time.monotonic() + seconds
        with self._heard:
            while name not in known:
                left = give_up_at - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    raise ForkFailed(f"the zygote of {self.module} did not tell of {name}")
                self._heard.wait(min(left, 1))
            return known[name]

    def close(self) -> None:
        """The zygote and all its children have ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            fact = json.loads(line)
            with self._heard:
                if "started" in fact:
                    self.pids[fact["started"]] = fact["pid"]
                elif "ended" in fact:
                    self.codes[fact["ended"]] = fact["code"]
                else:
                    self._ready["ready"] = 1
                self._heard.notify_all()


_zygotes: dict[str, Zygote] = {}


def zygote_of(module: str) -> Zygote:
    """The zygote of that module, which may still be importing."""
    if module not in _zygotes:
        _zygotes[module] = Zygote(module)
    return _zygotes[module]


def close() -> None:
    """All zygotes have ended, and their children with them."""
    while _zygotes:
        _, zygote = _zygotes.popitem()
        zygote.close()
