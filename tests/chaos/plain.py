"""A replica that is started as a process of its own, where a fork will not do.

What is preloaded (`LD_PRELOAD`) must be there before Python starts.
"""

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from cli.stack import ROOT


@dataclass
class Plain:
    """A started `python -m module`; the same to a test as a forked one."""

    name: str
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def code(self) -> int | None:
        """How it ended (negative: by which signal); None while it runs or is frozen."""
        return self.process.poll()

    def send(self, number: Signals) -> None:
        """The signal was sent, unless the process has ended."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def wait(self, seconds: float = 10) -> int:
        """The exit code, once it has ended. Raises TimeoutExpired after that time."""
        return self.process.wait(seconds)

    def last_words(self) -> str:
        """The end of its output."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-1500:]


def start_plain(name: str, module: str, env: Mapping[str, str], *, log: Path) -> Plain:
    """`python -m module` with that environment, in a session of its own."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Plain(name, log, process)
