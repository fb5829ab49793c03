"""What a command writes: lines that fit the terminal, and foreign text that cannot steer it.

Foreign text (logs, quotes, the model's words) stands behind a bar, so that none of it can pass for
a line of ours. What a terminal would obey or hide is spelled out.
"""

import errno
import json
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from redis.exceptions import RedisError
from rich.cells import cell_len, chop_cells
from rich.console import Console, RenderableType
from rich.text import Text

from bus.connection import unusable
from bus.errors import NotConfigured
from cli import where
from cli.written import is_of_writing

OK, REDIS_IS_AWAY, UNKNOWN, AMBIGUOUS, UNREADABLE = 0, 1, 3, 4, 5
_UNSEEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
_NOT_PLAIN = re.compile(r"[^\n\t\x20-\x7e]")
_LEAST_WIDTH = 40


def harmless(text: str) -> str:
    r"""The text with everything that a terminal obeys or hides spelled out, such as `\x1b`."""
    return _NOT_PLAIN.sub(_spelled, text)


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(harmless(text).split())


def _spelled(found: "re.Match[str]") -> str:
    character = found[0]
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("unicode_escape").decode()


class _PipeConsole(Console):
    """A console that leaves a closed pipe to the command."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, "its reader has gone")


class Page:
    """Lines for a person on stdout; the width is the terminal's, else 80."""

    def __init__(self) -> None:
        self.console = _PipeConsole(markup=False, highlight=False, emoji=False)

    @property
    def width(self) -> int:
        """How many columns a line may take."""
        return max(_LEAST_WIDTH, self.console.width)

    def heading(self, text: str) -> None:
        """The title of a part, after an empty line."""
        self.console.print()
        self._line(Text(harmless(text), style="bold"))

    def words(self, text: str, *, indent: int = 2, hang: int = 0, style: str = "") -> None:
        """A paragraph of ours, wrapped at spaces; `hang` columns more from its second line on."""
        room = self.width - indent
        plain = harmless(text).replace("\n", " ")  # a line of ours is never begun by foreign text
        rows = Text(plain, style=style).wrap(self.console, room - hang or room)
        for number, row in enumerate(rows):
            row.rstrip()
            self._line(Text(" " * (indent + (hang if number else 0))) + row)

    def verbatim(self, text: str, *, indent: int = 4, most: int = 0) -> int:
        """Foreign text behind a bar, at most so many of its lines (0: all); how many are left."""
        lines = text.split("\n")
        shown = lines[:most] if most else lines
        room = self.width - indent - 2
        for line in shown:
            for number, part in enumerate(folded(harmless(line), room)):
                self._line(Text(f"{' ' * indent}{'┊' if number else '│'} {part}".rstrip()))
        return len(lines) - len(shown)

    def show(self, shape: RenderableType) -> None:
        """A table."""
        self.console.print(shape)

    def _line(self, text: Text) -> None:
        self.console.print(text, no_wrap=True, crop=True, overflow="ellipsis", soft_wrap=False)


def cut(text: str, width: int) -> str:
    """One line of the text, with an ellipsis where it is longer than that many columns."""
    line = one_line(text)
    return line if cell_len(line) <= width else chop_cells(line, width - 1)[0] + "…"


def write_json(values: object) -> None:
    """One JSON object on a line of its own; what is not ASCII is escaped."""
    typer.echo(json.dumps(values))


@contextmanager
def redis_answers(command: str) -> Iterator[None]:
    """A Redis that cannot be used ends the command with one sentence."""
    try:
        yield
    except NotConfigured as error:
        fail(command, str(error), code=REDIS_IS_AWAY)
    except (RedisError, OSError) as error:
        if isinstance(error, OSError) and is_of_writing(error):
            raise
        fail(command, str(unusable(where.settings(), error)), code=REDIS_IS_AWAY)


def fail(command: str, sentence: str, *, code: int) -> NoReturn:
    """End with one sentence on stderr and that code."""
    typer.echo(f"nightshift {command}: {one_line(sentence)}", err=True)
    raise typer.Exit(code)


def folded(line: str, room: int) -> list[str]:
    """The line in parts of at most so many columns; nothing is left out, words stay whole.

    A part ends at a space where there is one in its last third.
    """
    text, at = line.expandtabs(4), 0
    parts: list[str] = []
    while at < len(text) or not parts:
        piece = text[at : at + 2 * room]
        first = piece if cell_len(piece) <= room else chop_cells(piece, room)[0]
        space = first.rfind(" ") + 1
        ends_here = at + len(first) == len(text)
        parts.append(first[:space] if 3 * space > 2 * room and not ends_here else first)
        at += len(parts[-1])
    return parts
