"""The part of requirements.lock that some extras need: `subset_lock.py LOCK PYPROJECT EXTRA...`.

The lock says behind each package which others want it. What the extras' own requirements lead to is
written to standard output, hashes and markers unchanged. Runs in the images' builder, so it needs
nothing but Python. It may keep too much (an extra of a package counts as the package), never too
little: `pip check` afterwards would say so.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PARENT = re.compile(r"    #(?: via|  ) +(\S+)")
_OWN = "nightshift"


@dataclass
class Locked:
    """One package of the lock: its lines, and who wants it."""

    lines: list[str] = field(default_factory=list)
    wanted_by: set[str] = field(default_factory=set)


def normal(name: str) -> str:
    """The name without extras and version, as every index spells it."""
    found = _NAME.match(name.strip())
    if found is None:
        raise ValueError(f"{name!r} begins with no package's name")
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def read_lock(text: str) -> dict[str, list[Locked]]:
    """The packages by name; several of one name where markers tell them apart."""
    found: dict[str, list[Locked]] = {}
    current = Locked()
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            current = Locked()
            found.setdefault(normal(line), []).append(current)
        parent = _PARENT.match(line)
        if parent:
            current.wanted_by.add(normal(parent[1]))
        elif line.strip() and not line.lstrip().startswith("#"):
            current.lines.append(line)
    return found


def direct(pyproject: Mapping[str, object], extras: Iterable[str]) -> set[str]:
    """What the project and those extras ask for themselves; raises KeyError for an unknown one."""
    project: Any = pyproject["project"]
    wanted, names = list(project["dependencies"]), list(extras)
    while names:
        for requirement in project["optional-dependencies"][names.pop()]:
            inner = re.fullmatch(rf"{_OWN}\[([a-z,]+)\]", requirement)
            if inner:
                names += inner[1].split(",")
            else:
                wanted.append(requirement)
    return {normal(each) for each in wanted}


def closure(lock: Mapping[str, list[Locked]], roots: Iterable[str]) -> set[str]:
    """The roots and everything that they lead to; raises KeyError where a root is not locked."""
    needed: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        if name not in lock:
            raise KeyError(f"{name} is not in the lock: run `make lock`")
        needed.add(name)
        waiting += [
            child
            for child, rows in lock.items()
            if any(name in row.wanted_by for row in rows) and child not in needed
        ]
    return needed


def subset(lock_text: str, pyproject_text: str, extras: Iterable[str]) -> str:
    """The lines of the lock that those extras need."""
    lock = read_lock(lock_text)
    needed = closure(lock, direct(tomllib.loads(pyproject_text), extras))
    rows = [row for name, found in lock.items() if name in needed for row in found]
    return "\n".join(line for row in rows for line in row.lines) + "\n"


if __name__ == "__main__":
    _, given_lock, given_pyproject, *given_extras = sys.argv
    texts = [Path(path).read_text(encoding="utf-8") for path in (given_lock, given_pyproject)]
    sys.stdout.write(subset(texts[0], texts[1], given_extras))
