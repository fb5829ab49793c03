"""Text of ours in the columns of the terminal, or in 80 where there is none (`COLUMNS` sets it)."""

import shutil
import textwrap

LEAST = 40


def width() -> int:
    """How many columns a line may take."""
    return max(LEAST, shutil.get_terminal_size((80, 24)).columns)


def wrapped(text: str, *, indent: int = 0, hang: int = 0, before: str = "") -> str:
    """Every line of the text wrapped at spaces; what is longer than a line goes on in the next.

    `before` stands before the first line; `hang` columns more than `indent` before what was
    wrapped.
    """
    found: list[str] = []
    for line in text.split("\n"):
        own = len(line) - len(line.lstrip())
        found += textwrap.wrap(
            line.lstrip(),
            width(),
            initial_indent=" " * (indent + own) if found else " " * (indent + own) + before,
            subsequent_indent=" " * (indent + own + hang),
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(found)


def rule(title: str = "") -> str:
    """A line across the page, with a title in it."""
    head = f"── {title} " if title else ""
    return head + "─" * max(2, width() - len(head))
