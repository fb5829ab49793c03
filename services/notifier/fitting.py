"""The parts of a card fitted into one message: the least important go first, and that is said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.notifier.blocks import Block, small
from services.notifier.cutting import units

MAX_BLOCKS = 48
"""Two less than Slack takes: lines may be added (`report.beside`, `routing.moved`)."""
MAX_CHARACTERS = 12_500
"""Of all blocks of a message together; Slack refuses somewhat more than this."""
NOTE_CHARACTERS = 300
"""What the line about missing parts takes at most."""
ALWAYS = 0
"""The rank of what no card can be without."""


@dataclass(frozen=True)
class Part:
    """Blocks that are shown or left out together; the lower its rank, the longer it stays."""

    name: str
    rank: int
    blocks: tuple[Block, ...]


def characters(value: object) -> int:
    """How many characters of text a block, or any part of one, holds."""
    if isinstance(value, list | tuple):
        return sum(characters(part) for part in value)
    if not isinstance(value, dict):
        return 0
    own = value.get("text")
    count = units(own) if isinstance(own, str) else 0
    return count + sum(characters(part) for part in value.values())


def fitted(parts: Iterable[Part]) -> tuple[Block, ...]:
    """The blocks that one message holds, in the order of the parts; what is missing is said.

    Parts of rank 0 stay: whoever makes them keeps them short enough together.
    """
    kept = [part for part in parts if part.blocks]
    missing: list[str] = []
    while not _fits(kept, missing) and any(part.rank for part in kept):
        last = max(kept, key=lambda part: (part.rank, kept.index(part)))
        kept.remove(last)
        missing.insert(0, last.name)
    said = [small(_missing(missing))] if missing else []
    at = max((index + 1 for index, part in enumerate(kept) if part.rank), default=len(kept))
    blocks = [[block for part in some for block in part.blocks] for some in (kept[:at], kept[at:])]
    return (*blocks[0], *said, *blocks[1])


def _fits(parts: Sequence[Part], missing: Sequence[str]) -> bool:
    blocks = [block for part in parts for block in part.blocks]
    room = MAX_CHARACTERS - (NOTE_CHARACTERS if missing else 0)
    return len(blocks) + bool(missing) <= MAX_BLOCKS and characters(blocks) <= room


def _missing(names: Sequence[str]) -> str:
    return f"… left out, because one message cannot hold it: {', '.join(names)}"
