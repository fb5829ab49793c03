"""Text for a message's own `text`, in which Slack reads marks and links whatever it is told.

There is no way to escape a mark, so each is shown as a sign that looks like it and is none.
"""

import re

from services.notifier.cutting import one_line
from services.notifier.links import unlinked

_ALIKE = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "'"})
_ITALIC = re.compile(r"(?<!\w)_+|_+(?!\w)")
"""Underscores at an edge of a word; within one, as in `get_logs`, they mark nothing."""
_EMOJI = re.compile(r"(?<!\w):(?=[\w+'-]+:)")


def unmarked(text: str, most: int) -> str:
    """The text on one line, cut to that length: nothing in it is bold, code, emoji or link."""
    return letters(one_line(text, most))


def letters(text: str) -> str:
    """The same of a text whose lines stay."""
    said = _ITALIC.sub(lambda found: "\uff3f" * len(found[0]), unlinked(text).translate(_ALIKE))
    return _EMOJI.sub("\u2236", said)
