"""What a planted bug is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PlantedBug:
    """One bug. `old` stands exactly once in `file`; `test` is the id of the test that sees it."""

    name: str
    file: str
    old: str
    new: str
    test: str
