"""A detail of an incident's thread: labelled texts, as a message where they fit, else as a file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bus.cleaning import clean
from services.notifier.blocks import (
    TEXT_CHARACTERS,
    Block,
    Card,
    bold,
    escaped,
    paragraph,
    quoted,
    small,
)
from services.notifier.cutting import cut, one_line
from services.notifier.unmarked import letters

MESSAGE_CHARACTERS = 8_000
"""More of it in one message nobody reads; a file can be searched."""
MESSAGE_PARTS = 40
LABEL_CHARACTERS = 500
SHORTENED_CHARACTERS = 1_500
"""Of each text where there can be no file."""


@dataclass(frozen=True)
class Part:
    """A line that says what this is, and the text, letter by letter."""

    label: str
    text: str = ""


@dataclass(frozen=True)
class Detail:
    """One thing that the thread says. By its key it is known to stand there already."""

    key: str
    title: str
    parts: tuple[Part, ...]
    ending: str = "txt"
    """Of the file's name, if it becomes one."""
    is_file: bool = False
    """Whatever its length: it is for searching, and posts are scarcer than files."""


def cleaned(detail: Detail) -> Detail:
    """The detail with every text redacted and stripped of what cannot be seen."""
    parts = tuple(
        Part(one_line(clean(part.label), LABEL_CHARACTERS), clean(part.text))
        for part in detail.parts
    )
    return replace(detail, parts=parts)


def message(detail: Detail) -> Card | None:
    """The detail as one message with nothing left out; None where it has to be a file."""
    is_long = any(_units(part.text) > TEXT_CHARACTERS for part in detail.parts)
    if detail.is_file or is_long or len(_first(detail.parts)) < len(detail.parts):
        return None
    return Card(detail.title, (paragraph(bold(detail.title)), *map(_block, detail.parts)))


def shortened(detail: Detail, why: str) -> Card:
    """The detail in one message: what is left out is counted, and why is said."""
    parts = [Part(part.label, cut(part.text, SHORTENED_CHARACTERS)) for part in detail.parts]
    shown = _first(parts)
    missing = len(parts) - len(shown)
    more = f"; {missing} more parts are not shown" if missing else ""
    blocks = [paragraph(bold(detail.title)), *map(_block, shown), small(f"Shortened: {why}{more}")]
    return Card(detail.title, tuple(blocks))


def without_blocks(detail: Detail) -> Card:
    """The detail as a text, cut, for where Slack refuses the message as it is.

    Slack reads marks in it: see `unmarked`. A bar stands before each line that is none of ours.
    """
    lines = [detail.title]
    for part in detail.parts:
        lines += [" ".join(part.label.split()), *(f"| {line}" for line in part.text.splitlines())]
    said = cut("\n".join(lines), TEXT_CHARACTERS)
    return Card(escaped(letters(said), TEXT_CHARACTERS))


def document(detail: Detail) -> str:
    """The detail whole, as the text of a file."""
    said = [f"{part.label}\n{part.text}" if part.text else part.label for part in detail.parts]
    return "\n\n".join([detail.title, *said]) + "\n"


def file_name(detail: Detail, investigation_id: str) -> str:
    """The name of its file, which says whose and which detail it is."""
    return f"{investigation_id}-{detail.key}.{detail.ending}"


def _block(part: Part) -> Block:
    return quoted([bold(part.label)], part.text)


def _first(parts: Sequence[Part]) -> list[Part]:
    """As many of the first parts as one message holds."""
    kept, room = list[Part](), MESSAGE_CHARACTERS
    for part in parts[:MESSAGE_PARTS]:
        room -= _units(part.label) + _units(part.text)
        if room < 0:
            break
        kept.append(part)
    return kept


def _units(text: str) -> int:
    """The length as JavaScript counts it; Slack does not say how it does."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
