"""Looking for a pattern that somebody else wrote, with an end to it.

`(.*.*)*x$` keeps Python's `re` busy for longer than anybody waits, and no rule about patterns tells
which ones do. So a process of its own looks, and is ended when that takes long.
"""

import json
import subprocess
import sys
from collections.abc import Sequence

LONGEST_SECONDS = 10.0
_FOUND, _NOT_FOUND = 10, 11
_LOOK = f"""
import json, re, sys
pattern, lines = json.load(sys.stdin)
search = re.compile(pattern).search
sys.exit({_FOUND} if any(search(line) for line in lines) else {_NOT_FOUND})
"""


class TooSlow(Exception):
    """The pattern was still being looked for when time was up."""


def is_in_any(pattern: str, lines: Sequence[str], *, seconds: float = LONGEST_SECONDS) -> bool:
    """Whether a line matches the pattern, which compiles. Raises TooSlow after that time."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _LOOK],
            input=json.dumps([pattern, lines]).encode(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TooSlow(pattern) from None
    if done.returncode not in (_FOUND, _NOT_FOUND):
        raise TooSlow(pattern)
    return done.returncode == _FOUND
