"""The project's pages: their code blocks, code spans, links and variables."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMANDS = ("make ", "redis-cli ", ".venv/bin/", "python ", "nightshift ", "pip ", "docker ")
"""How a command begins where it stands in running text."""
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"\bNIGHTSHIFT_[A-Z0-9_]*[A-Z0-9]\b")
_DRAWN = "▶"
_TIMED = re.compile(r"^ +\d+\.\d s  ")


@dataclass(frozen=True)
class Page:
    """One page."""

    path: Path

    @property
    def name(self) -> str:
        """The path in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """The whole page."""
        return self.path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[str]:
        """What stands between fences."""
        return [found[2] for found in _FENCE.finditer(self.text)]

    @property
    def transcripts(self) -> list[str]:
        """Blocks that show what a command printed."""
        return [block for block in self.blocks if _TIMED.match(block)]

    @property
    def commands(self) -> list[str]:
        """Every line of every block that is no drawing and no transcript; commands in the text."""
        found = [
            line.strip()
            for block in self.blocks
            if _DRAWN not in block and not _TIMED.match(block)
            for line in block.splitlines()
            if line.strip()
        ]
        spans = _SPAN.findall(_FENCE.sub("", self.text))
        return found + [span for span in spans if span.startswith(COMMANDS)]

    @property
    def links(self) -> list[str]:
        """Targets of links to other files of the repository."""
        targets = _LINK.findall(_FENCE.sub("", self.text))
        inside = [target.partition("#")[0] for target in targets if "://" not in target]
        return [target for target in inside if target and not target.startswith("mailto:")]

    @property
    def variables(self) -> set[str]:
        """Our own variables that the page names."""
        return set(_VARIABLE.findall(self.text))


def pages() -> list[Page]:
    """Every page of the repository; what tools leave in hidden folders is none."""
    found = sorted(ROOT.rglob("*.md"))
    hidden = re.compile(r"/(\.|node_modules|build|dist)")
    return [Page(path) for path in found if not hidden.search(f"/{path.relative_to(ROOT)}")]


README = Page(ROOT / "README.md")
