"""Files that hold what a card looks like; NIGHTSHIFT_WRITE_GOLDEN=1 writes them anew.

NIGHTSHIFT_WRITE_GOLDEN=1 python -m pytest tests/notifier -k golden
"""

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def golden(name: str, text: str) -> str:
    """What the file of that name says; first it is written, if that was asked for."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("NIGHTSHIFT_WRITE_GOLDEN"):
        path.write_text(text + "\n", encoding="utf-8")
    return path.read_text(encoding="utf-8").removesuffix("\n")
