"""The project's own files, parsed, and findings that name file and line."""

import ast
import gc
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("bus", "services", "cli", "simulator", "examples")
SERVICES = ("ingest", "reasoner", "toolrunner", "notifier")
GENERATED_FOLDERS = {".venv", ".git", "build", "dist", "node_modules"}

FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the repository."""

    path: Path

    @cached_property
    def text(self) -> str:
        """What stands in it."""
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The same, parsed."""
        # Python 3.11 miscounts its depth when the collector runs code meanwhile (gh-106905).
        gc.disable()
        try:
            return ast.parse(self.text, filename=str(self.path))
        finally:
            gc.enable()

    @property
    def is_adapter(self) -> bool:
        """Whether it may know a vendor."""
        return "adapters" in self.path.parts or self.path.parts[:3] == (
            "services",
            "toolrunner",
            "servers",
        )

    def functions(self) -> Iterator[FunctionDef]:
        """Every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, FunctionDef):
                yield node

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                yield node

    def at(self, node: ast.AST, text: str) -> str:
        """A finding about a place in this file."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {text}"


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files under those folders, by default everything that is not a test."""
    found = (path for folder in folders or PACKAGES for path in (ROOT / folder).rglob("*.py"))
    kept = (path.relative_to(ROOT) for path in found)
    return tuple(
        Source(path) for path in sorted(kept) if not GENERATED_FOLDERS.intersection(path.parts)
    )


@cache
def own_files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, part of the repository; relative to it."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    patterns = [".git", *(line.strip("/") for line in ignored)]
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not _matches(name, patterns)]
        kept = (name for name in names if not _matches(name, patterns))
        found.extend((Path(folder) / name).relative_to(ROOT) for name in kept)
    return tuple(sorted(found))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def none(findings: Iterable[str], rule: str) -> None:
    """Fails with the rule and every place that breaks it."""
    found = list(findings)
    assert not found, f"{rule}\n  " + "\n  ".join(found)
