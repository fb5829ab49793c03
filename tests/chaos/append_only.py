"""Redis's files, from the side of whoever pulls the plug or restores the wrong backup."""

import contextlib
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

SYNCED_SECONDS = 2.0
"""What is older than this survives a power loss, with a file that is synced every second."""
DISK_WAIT_MS = 3000
ASKED_ABOUT = "sizes:asked-about"
"""A key of the test's own."""


def append_only_file(folder: Path) -> Path:
    """The file that grows (Redis 7: the newest increment, 6.2: the only one)."""
    found = sorted(folder.glob("appendonlydir/*.incr.aof"))
    return found[-1] if found else folder / "appendonly.aof"


def cut(path: Path, size: int) -> None:
    """The file ends after that many bytes."""
    with path.open("r+b") as opened:
        opened.truncate(max(0, size))


def bytes_since(path: Path, text: str) -> int:
    """How many bytes stand in the file from the last place of that text on."""
    content = path.read_bytes()
    return len(content) - content.rindex(text.encode())


@dataclass
class Sizes:
    """How long the file was when, and how much of it is on disk; use it as a context manager.

    A Redis that can tell (`WAITAOF`, 7.2 and newer) is asked, because who relies on its word relies
    on nothing older; of any other what is two seconds old is on disk.
    """

    path: Path
    url: str
    seen: list[tuple[float, int]] = field(default_factory=list)
    told: int = 0
    """So many bytes are on disk by Redis's own word; 0 while it gave none."""
    can_tell: bool = True
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Sizes":
        self._threads = [threading.Thread(target=work) for work in (self._look, self._ask)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def on_disk(self, failed_at: float) -> int:
        """The size that the file is sure to have when the power fails at that moment."""
        return max(self.told, self.after(failed_at - SYNCED_SECONDS))

    def after(self, moment: float) -> int:
        """The first size that was seen at that moment or later."""
        return next(size for seen_at, size in self.seen if seen_at >= moment)

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            # The moment is taken first: what was written up to it is in the size.
            self.seen.append((time.monotonic(), self.path.stat().st_size))

    def _ask(self) -> None:
        """Until the end, or until Redis does not know the question or is gone."""
        with Redis.from_url(self.url) as redis, contextlib.suppress(RedisConnectionError):
            while self.can_tell and not self._ended.wait(0.05):
                # Taken before the write that is asked about: all of it comes before that on disk.
                size = self.path.stat().st_size
                redis.set(ASKED_ABOUT, size, ex=60)
                try:
                    answer: Any = redis.execute_command("WAITAOF", 1, 0, DISK_WAIT_MS)
                except ResponseError:
                    self.can_tell = False
                    return
                self.told = size if int(answer[0]) >= 1 else self.told


class Damage(Protocol):
    """What becomes of Redis's files while it does not run."""

    def do(self, folder: Path, known: str) -> None:
        """The files are damaged; `known` is an entry that all services have seen."""

    @property
    def words(self) -> str:
        """What the services say then, if it lost that entry."""


@dataclass(frozen=True)
class Whole:
    """Nothing is damaged."""

    def do(self, folder: Path, known: str) -> None:
        """The files stay as they are."""

    @property
    def words(self) -> str:
        """Nobody says anything."""
        return ""


@dataclass(frozen=True)
class Cut:
    """The append-only file loses its last bytes: so many, or with 0 all from the known entry on."""

    size: int

    def do(self, folder: Path, known: str) -> None:
        """The file is shorter."""
        path = append_only_file(folder)
        cut(path, path.stat().st_size - (self.size or bytes_since(path, known)))

    @property
    def words(self) -> str:
        """An entry is named, the first of those that were lost."""
        return "which stood before"


@dataclass(frozen=True)
class Deleted:
    """The data directory is gone."""

    def do(self, folder: Path, known: str) -> None:
        """The folder is not there."""
        shutil.rmtree(folder)

    @property
    def words(self) -> str:
        """There is no generation."""
        return "its generation is missing"


class OlderCopy:
    """The data directory is what it was when this was made."""

    def __init__(self, folder: Path, copy: Path) -> None:
        self._copy = copy
        shutil.copytree(folder, copy)

    def __repr__(self) -> str:
        return "OlderCopy()"

    def do(self, folder: Path, known: str) -> None:
        """The copy stands in the folder's place."""
        shutil.rmtree(folder)
        shutil.copytree(self._copy, folder)

    @property
    def words(self) -> str:
        """An entry is named: the generation is the same."""
        return "which stood before"
