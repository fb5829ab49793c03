"""One replica of a service: a process with a name, which can be killed, frozen and thawed."""

import signal
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.chaos.nursery import Forked
from tests.chaos.plain import Plain


@dataclass
class Replica:
    """A life of one process of a service; whoever replaces it has another name."""

    name: str
    service: str
    process: Forked | Plain
    port: int
    frozen: bool = False
    expected_to_end: bool = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def log(self) -> Path:
        """The file of everything it wrote."""
        return self.process.log

    @property
    def alive(self) -> bool:
        """Whether it has not ended; a frozen one is alive."""
        return self.process.code is None

    def kill(self) -> None:
        """It was killed at once (SIGKILL) and is gone."""
        self.expected_to_end = True
        self.process.send(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """It does nothing any more (SIGSTOP), and its connections stay open."""
        self.frozen = True
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was frozen (SIGCONT)."""
        self.frozen = False
        self.process.send(signal.SIGCONT)

    def terminate(self) -> None:
        """It was asked to end (SIGTERM); `wait` waits until it has."""
        self.expected_to_end = True
        self.process.send(signal.SIGTERM)

    def wait(self, seconds: float = 20) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(seconds)

    def ready(self) -> bool:
        """Whether `/readyz` answers 200 now."""
        if not self.alive or self.frozen:
            return False
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=3) as answer:
                return int(answer.status) == 200
        except (URLError, OSError):
            return False
