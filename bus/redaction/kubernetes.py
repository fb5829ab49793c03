"""Values under `data:` and `stringData:` of a Kubernetes Secret, as YAML or JSON."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from bus.redaction.spans import Piece, Secret, secret
from bus.redaction.tags import TAG

_KIND = re.compile(r"""\\*["']?\bkind\\*["']?\s{0,3}:\s{0,3}\\*["']?(?P<kind>[A-Z]\w{2,60})""")
_YAML = re.compile(r"^(?P<lead>[ \t-]*)(?:data|stringData):[ \t]*\n", re.MULTILINE)
_JSON = re.compile(r"""\\*"(?:data|stringData)\\*"\s{0,3}:\s{0,3}\{(?P<pairs>[^{}]{1,100000}+)\}""")
_ENTRY = re.compile(r"(?P<lead>[ \t]*+)[\w.\"'-]{1,255}:[ \t]*(?P<value>[^\s#][^\n]*|)(?:\n|\Z)")
_BLOCK = re.compile(r"(?P<lead>[ \t]*+)(?P<value>[^\n]*[^\s])?[ \t]*(?:\n|\Z)")
_PAIR = re.compile(
    r"""\\*"[^"\\]{1,255}\\*"\s{0,3}:\s{0,3}(?P<quote>\\*")(?P<value>[^"\\]{1,65536})"""
)
_END = re.compile(r"^---|^[ \t]*- apiVersion:", re.MULTILINE)


def find(text: str) -> Iterator[Secret]:
    """Every value of every Secret."""
    if "Secret" not in text or "ata" not in text:
        return
    kinds = [(found.start(), found["kind"].removesuffix("List")) for found in _KIND.finditer(text)]
    documents = _documents(text, kinds)
    for pattern, values in ((_YAML, _entries), (_JSON, _pairs)):
        for block in pattern.finditer(text):
            if documents.of_secret(block.start()):
                yield from values(text, block)


@dataclass(frozen=True)
class _Documents:
    """Where documents begin, and which kinds stand where."""

    borders: list[int]
    places: list[int]
    kinds: list[str]

    def of_secret(self, at: int) -> bool:
        """Whether the nearest kind before or behind, within the document, is a Secret's."""
        border = bisect_right(self.borders, at)
        first = bisect_right(self.places, self.borders[border - 1] - 1) if border else 0
        last = len(self.places)
        if border < len(self.borders):
            last = bisect_right(self.places, self.borders[border])
        here = bisect_right(self.places, at)
        return "Secret" in self.kinds[max(first, here - 1) : min(last, here + 1)]


def _documents(text: str, kinds: list[tuple[int, str]]) -> _Documents:
    borders = [found.start() for found in _END.finditer(text)]
    return _Documents(borders, [place for place, _ in kinds], [kind for _, kind in kinds])


def _entries(text: str, block: "re.Match[str]") -> Iterator[Secret]:
    depth = len(block["lead"])
    at = block.end()
    while entry := _ENTRY.match(text, at):
        if len(entry["lead"]) <= depth:
            return
        value = entry["value"].strip(" \"'")
        if len(value) > 3 and not TAG.fullmatch(value) and value[0] not in "|>":
            start = text.index(value, entry.start("value"))
            yield secret("kubernetes", (start, start + len(value)))
        at = entry.end()
        if value[:1] in ("|", ">"):
            pieces = tuple(_block(text, at, depth=len(entry["lead"])))
            yield from [Secret("kubernetes", pieces)] if pieces else ()
            at = pieces[-1][1] + 1 if pieces else at


def _block(text: str, at: int, *, depth: int) -> Iterator[Piece]:
    """The lines of a value that begins with `|` or `>`: those that are indented deeper."""
    while at < len(text) and (line := _BLOCK.match(text, at)):
        if line["value"] and len(line["lead"]) <= depth:
            return
        if line["value"] and not TAG.fullmatch(line["value"]):
            yield line.span("value")
        at = line.end()


def _pairs(text: str, block: "re.Match[str]") -> Iterator[Secret]:
    for pair in _PAIR.finditer(text, *block.span("pairs")):
        if len(pair["value"]) > 3 and not TAG.fullmatch(pair["value"]):
            yield secret("kubernetes", pair.span("value"))
