"""The Dockerfile as a builder reads it: stages, and what each does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@dataclass
class Stage:
    """One stage: what it starts from, and its instructions."""

    name: str
    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def of(self, instruction: str) -> list[str]:
        """What stands behind each such instruction."""
        return [text for word, text in self.lines if word == instruction]


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction with its text; lines that go on are one."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in bare.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), re.sub(r"\s+", " ", rest.strip())


def stages() -> dict[str, Stage]:
    """The stages by name, in their order."""
    found: dict[str, Stage] = {}
    current = Stage("", "")
    for word, text in instructions(DOCKERFILE.read_text(encoding="utf-8")):
        if word == "FROM":
            base, _, name = text.partition(" AS ")
            current = found[name] = Stage(name, base)
        else:
            current.lines.append((word, text))
    return found


def chain(name: str) -> list[Stage]:
    """That stage, the one it starts from, and so on: what its image is made of."""
    all_stages, found = stages(), []
    while name in all_stages:
        found.append(all_stages[name])
        name = all_stages[name].base
    return found
