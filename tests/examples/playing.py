"""An example as a process, with a folder of its own, and what is left of it when it has ended."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cli.nightshift import Ended, command_of, environment

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Playing:
    """A running example; whatever it starts or writes can be told from all else by its folder."""

    folder: Path
    process: "subprocess.Popen[str]"

    def read_until(self, words: str) -> str:
        """The first line that it prints with these words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if words in line:
                return line
        raise AssertionError(f"{words!r} was never said")

    def end(self) -> Ended:
        """How it ended by itself."""
        output, errors = self.process.communicate(timeout=150)
        return Ended(self.process.returncode, output, errors)

    def processes(self) -> dict[int, str]:
        """Every process that has this folder in its environment, with its command line."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*/environ"):
            pid = int(entry.parent.name)
            if pid != os.getpid() and str(self.folder) in _text(entry):
                found[pid] = command_of(pid)
        return found

    def files(self) -> list[str]:
        """What lies in the folder."""
        return sorted(path.name for path in self.folder.iterdir())


def start(name: str, folder: Path, **changes: str) -> Playing:
    """The example of that name, begun in that folder, which is the one for temporary files too."""
    process = subprocess.Popen(
        [sys.executable, EXAMPLES / f"{name}.py"],
        cwd=folder,
        env=environment(TMPDIR=str(folder), PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1", **changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return Playing(folder, process)


def play(name: str, folder: Path) -> str:
    """What the example printed; it ended well, and nothing is left of it."""
    playing = start(name, folder)
    end = playing.end()
    assert end.code == 0, end.output + end.errors
    assert "Traceback" not in end.errors
    assert playing.processes() == {}
    assert playing.files() == []
    return end.output


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
