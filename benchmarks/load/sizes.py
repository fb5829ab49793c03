"""What an extra takes on disk: what it leads to in the lock, as installed here."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from cli.stack import ROOT
from deploy.subset_lock import closure, direct, read_lock

BYTES_IN_MB = 1024**2
SHOWN = 3


@dataclass(frozen=True)
class Installed:
    """One distribution: its files on disk, and those of them that are compiled Python."""

    name: str
    size: int
    compiled: int


@dataclass(frozen=True)
class Extra:
    """An extra and the distributions that it needs; a marker may keep some of them away here."""

    name: str
    packages: tuple[Installed, ...]

    @property
    def mb(self) -> float:
        """All its files, compiled ones too, as an image has them."""
        return sum(each.size for each in self.packages) / BYTES_IN_MB

    @property
    def compiled_mb(self) -> float:
        """Of these, what Python compiled."""
        return sum(each.compiled for each in self.packages) / BYTES_IN_MB

    def largest(self) -> str:
        """The largest of its distributions, in MB."""
        ordered = sorted(self.packages, key=lambda each: each.size, reverse=True)
        return ", ".join(f"{each.name} {each.size / BYTES_IN_MB:.0f}" for each in ordered[:SHOWN])


def extras() -> Iterator[Extra]:
    """Nightshift with no extra, then with each of them alone."""
    names: list[str] = list(_project()["project"]["optional-dependencies"])
    yield from map(extra_of, ("", *names))


def extra_of(name: str) -> Extra:
    """Nightshift with that extra alone, with none where the name is empty."""
    lock = read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    needed = closure(lock, direct(_project(), [name] if name else []))
    found = (_installed(each) for each in sorted(needed))
    return Extra(name or "none", tuple(each for each in found if each is not None))


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def _installed(name: str) -> Installed | None:
    """The distribution as it is installed here; None where a marker keeps it away."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    paths = {Path(str(file.locate())) for file in files if file.suffix != ".pyc"}
    size = sum(map(_size, paths))
    # What Python compiled is counted beside its source, whoever had it compiled.
    sources = (path for path in paths if path.suffix == ".py")
    compiled = sum(_size(Path(cache_from_source(str(path)))) for path in sources)
    return Installed(name, size + compiled, compiled)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
