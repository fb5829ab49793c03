"""An example as a process, with a folder of its own, and what is left of it when it has ended."""

import contextlib
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
        """Every process that was started for this folder or works in it, with its command line."""
        pids = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        return {pid: command_of(pid) for pid in pids if self._is_ours(pid)}

    def _is_ours(self, pid: int) -> bool:
        # Redis writes its title over its environment, and works in its folder.
        told = Path(f"/proc/{pid}/environ"), Path(f"/proc/{pid}/cwd")
        with contextlib.suppress(OSError):
            variables = told[0].read_text(encoding="utf-8", errors="replace")
            works_in = told[1].resolve()
            return f"TMPDIR={self.folder}\0" in variables or works_in.is_relative_to(self.folder)
        return False

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


def play(name: str, folder: Path, **changes: str) -> str:
    """What the example printed; it ended well, and nothing is left of it."""
    playing = start(name, folder, **changes)
    end = playing.end()
    assert end.code == 0, end.output + end.errors
    assert "Traceback" not in end.errors
    assert playing.processes() == {}
    assert playing.files() == []
    return end.output
