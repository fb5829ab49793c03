"""Values under `data:` and `stringData:` of a Kubernetes Secret, as YAML or JSON, whatever their names."""

import re
from collections.abc import Iterator

from bus.redaction.spans import Secret, secret
from bus.redaction.tags import TAG

_KIND = re.compile(r"""\\*["']?\bkind\\*["']?\s{0,3}:\s{0,3}\\*["']?(?P<kind>[A-Z]\w{2,60})""")
_YAML = re.compile(r"^(?P<lead>[ \t-]*)(?:data|stringData):[ \t]*\n", re.MULTILINE)
_JSON = re.compile(r"""\\*"(?:data|stringData)\\*"\s{0,3}:\s{0,3}\{(?P<pairs>[^{}]{1,100000}+)\}""")
_ENTRY = re.compile(r"(?P<lead>[ \t]*+)[\w.\"'-]{1,255}:[ \t]*(?P<value>[^\s#][^\n]*|)(?:\n|\Z)")
_PAIR = re.compile(r"""\\*"[^"\\]{1,255}\\*"\s{0,3}:\s{0,3}(?P<quote>\\*")(?P<value>[^"\\]{1,65536})""")
_END = re.compile(r"^---|^[ \t]*- apiVersion:", re.MULTILINE)


def find(text: str) -> Iterator[Secret]:
    """Every value of every Secret."""
    if "Secret" not in text or "ata" not in text:
        return
    kinds = [(found.start(), found["kind"]) for found in _KIND.finditer(text)]
    if any(kind == "Secret" for _, kind in kinds):
        borders = [found.start() for found in _END.finditer(text)]
        for found in _YAML.finditer(text):
            if _of_secret(found.start(), kinds, borders=borders):
                yield from _entries(text, found)
        for found in _JSON.finditer(text):
            if _of_secret(found.start(), kinds, borders=borders):
                yield from _pairs(text, found)


def _of_secret(at: int, kinds: list[tuple[int, str]], *, borders: list[int]) -> bool:
    """Whether the nearest kind before or behind, within the document, is a Secret's."""
    low = max((border for border in borders if border <= at), default=0)
    high = min((border for border in borders if border > at), default=1 << 60)
    before = [kind for place, kind in kinds if low <= place < at][-1:]
    behind = [kind for place, kind in kinds if at < place < high][:1]
    return "Secret" in before + behind


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


def _pairs(text: str, block: "re.Match[str]") -> Iterator[Secret]:
    for pair in _PAIR.finditer(text, *block.span("pairs")):
        if len(pair["value"]) > 3 and not TAG.fullmatch(pair["value"]):
            yield secret("kubernetes", pair.span("value"))
