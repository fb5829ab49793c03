"""Values of names that announce a secret: key=value, JSON (escaped too), YAML, XML, flags, pairs.

Every stem of such a name is looked up in the lower-case text; only there a pattern is tried, and
it looks a bounded way ahead. So a clean text costs a few searches, and a hostile one no more than
its length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bus.redaction.code import is_code
from bus.redaction.lines import line_end, tail_of
from bus.redaction.names import STEMS, Strength, is_secret, strength
from bus.redaction.spans import Secret, secret
from bus.redaction.tags import TAG
from bus.redaction.words import PROSE

_REST = re.compile(r"[\w.-]{0,60}+(?:\[\w*\])?")
_ASSIGNED = re.compile(
    r"(?:\\{0,8}[\"'`])?[\])]?[ \t]{0,40}+"
    r"(?:=>|:=|=(?!=)|={2,3}(?=[ \t]?[\"'`])|:(?![:/]\S)|%3[Dd]|%3[Aa]|\\u003[dDaA]|&#61;)"
    r"[ \t]{0,40}+(?:\[(?!secret:) ?|\( ?|[br@](?=[\"']))?(?P<quote>\\{0,8}[\"'`])?"
)
_ELEMENT = re.compile(r"(?:\s[^<>]{0,80})?>(?:<!\[CDATA\[)?(?=[^<>\s])")
_ELEMENT_END = re.compile(r"\]\]>|</?|\n")
_PAIRED = re.compile(
    r"\\{0,8}[\"']?\s{0,3},?\s{0,40}+(?:\\{0,8}[\"'])?(?:value|Value)(?:\\{0,8}[\"'])?\s{0,3}[:=]\s{0,3}"
    r"(?P<quote>\\{0,8}[\"'])?"
)
_FLAG = re.compile(r"[ \t]+(?P<quote>[\"'])?(?!-)(?=\S)")
_QUOTED_NEXT = re.compile(r"[ \t]+(?P<verb>(?:is|was)[ \t]+)?(?P<quote>\\{0,8}[\"'])")
_ARGUMENT = re.compile(r"[\"'],\s{0,3}(?P<quote>[\"'])")
_BELOW = re.compile(
    r"[ \t]*\\?\n(?P<lead>[ \t]*+(?:[|>] ?)?)(?P<quote>[\"'])?(?=[^\s:=-])"
    r"(?!(?:[A-Z][A-Z\d_]{0,60}|[A-Za-z_.-]{1,60})=(?:[^=\s]|(?<=[A-Z\d_]=)\s))"
)
_BLOCK = re.compile(r"[|>][+-]?\d?[+-]?[ \t]*\n")
_BARE = re.compile(
    r"(?:[^\s\"'`,;&<>\\]|&(?![\w.%-]{1,40}=|amp;)|,(?!\s|\Z|[\"'{\[]|[\w .-]{1,40}[=:])"
    r"|;(?!\s|\Z|[\w .]{1,40}=)|\\(?![nrt\"'\s\\]|u00|\Z)|(?<=[\w!@#$%^*])<)+"
)
_ADO = re.compile(r"[^;\"'\n]+")
_YAML_REST = re.compile(r"[^\n#]*[^\s#]")
_FRAME = re.compile(
    r"[\w.$-]+\.(?:java|kts?|scala|groovy|clj|go|pyx?|rb|rs|[cm]?[jt]sx?|vue|cs|vb|fs|php|cc?|cpp|h|hpp"
    r"|swift|exs?|erl|lua|dart|pl|sh|sql):(?:line )?\d+\b(?![\w@!#$%^*])"
)
"""A place in source code, as a stack trace names it."""
_DIRECTORY = re.compile(r"(?:OLD)?PWD [~/][\w./+-]*|pwd ~?/[\w.+-]+/[\w./+-]*")
_RESOURCE = re.compile(r"arn:[\w:/-]*:")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
_FAR = 8192
_JUDGED = 300
_TRAILING = ".,:)]}>\\?"


@dataclass(frozen=True)
class _Name:
    """A secret's name in a text."""

    kind: Strength
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class _Value:
    """Where a value stands; `loose`: it may be a word of a sentence; `bare`: no quotes."""

    start: int
    end: int
    loose: bool = False
    open_end: bool = False
    bare: bool = False


def find(text: str, low: str) -> Iterator[Secret]:
    """Every value of a secret's name; the name stays."""
    done = 0
    for at in _hits(low):
        if at < done:
            continue
        name = _name(text, at)
        done = name.end
        value = _value(text, name) if name.kind else None
        if value and _worth(text, value, name=name):
            done = _full_end(text, value)
            kind = "key" if name.kind == "variable" else name.kind
            yield secret(kind, (value.start, done), open_end=value.open_end)


def _hits(low: str) -> list[int]:
    hits: list[int] = []
    for stem in STEMS:
        at = low.find(stem)
        while at >= 0:
            hits.append(at)
            at = low.find(stem, at + len(stem))
    return sorted(hits)


def _name(text: str, at: int) -> _Name:
    rest = _REST.match(text, at)
    end = rest.end() if rest else at
    head = text[max(0, at - 60) : at]
    start = at - (len(head) - len(head.rstrip(_LETTERS)))
    if text[start - 2 : start] in ("\\n", "\\t", "\\r"):
        start += 1
    tag = TAG.match(text, start - 1) if start and text[start - 1] == "[" else None
    if tag:
        return _Name("", "", start, tag.end())
    if text[start - 1 : start] == ":" and _RESOURCE.fullmatch(_word(text, start)):
        return _Name("", "", start, end)
    name = text[start:end]
    if text[end : end + 1] == ":" and (frame := _FRAME.match(text, start, end + 16)):
        return _Name("", "", start, frame.end())
    return _Name(strength(name.strip("-.")), name, start, end)


def _word(text: str, end: int) -> str:
    """What stands before a place, back to a blank or a quote."""
    return re.split(r"[\s\"'=]", text[max(0, end - 120) : end])[-1]


def _worth(text: str, value: _Value, *, name: _Name) -> bool:
    raw = text[value.start : value.end]
    if TAG.search(raw) and not re.search(r"\w", TAG.sub("", raw)):
        return False
    if _DIRECTORY.fullmatch(f"{name.text} {raw}"):
        return False
    behind = text[value.end : value.end + 8]
    if value.bare and is_code(raw, name=name.text, behind=behind):
        return False
    return is_secret(name.kind, raw, name=name.text.strip("-."), loose=value.loose)


def _value(text: str, name: _Name) -> _Value | None:
    assigned = _ASSIGNED.match(text, name.end)
    if assigned:
        return _assigned(text, assigned, name=name)
    found = _PAIRED.match(text, name.end)
    element = (
        _ELEMENT.match(text, name.end) if text[name.start - 1 : name.start] in ("<", ":") else None
    )
    if not found and element:
        return _inside(text, element.end(), name=text[name.start : name.end])
    if not found and text[name.start] == "-":
        found = _FLAG.match(text, name.end)
    if not found and text[name.start - 2 : name.start] in ("('", '("'):
        found = _ARGUMENT.match(text, name.end)
    if found:
        return _read(text, found.end(), quote=found["quote"])
    found = _QUOTED_NEXT.match(text, name.end)
    value = _read(text, found.end(), quote=found["quote"]) if found else None
    if value and found and found["verb"] and text[value.start : value.end].lower() in PROSE:
        return None
    sure = name.kind == "password" and name.text.lower() != "pass"
    return replace(value, loose=not sure) if value else None


def _inside(text: str, at: int, *, name: str) -> _Value | None:
    """What stands between the tags of an element, on one line; other tags make it none."""
    end = _ELEMENT_END.search(text, at, at + _FAR)
    closing = text[end.end() : end.end() + 80].partition(">")[0] if end else ""
    if end and end[0].startswith("<") and not (end[0] == "</" and closing.endswith(name)):
        return None
    if end and end[0] != "\n":
        return _Value(at, end.start())
    return _read(text, at, quote="")


def _assigned(text: str, found: "re.Match[str]", *, name: _Name) -> _Value | None:
    at, quote = found.end(), found["quote"]
    if quote:
        return _read(text, at, quote=quote)
    block = _BLOCK.match(text, at)
    if block:
        return _block(text, name, begin=block.end())
    if text[at : at + 1] in ("\n", "\\"):
        return _below(text, found.end())
    if text[name.start - 1 : name.start] == ";":
        ado = _ADO.match(text, at, at + _FAR)
        return _Value(*ado.span()) if ado else None
    value = _read(text, at, quote="")
    spaced = ":" in found[0] and found[0][-1:].isspace()
    return _sentence(text, value, name=name) if value and spaced else value


def _sentence(text: str, value: _Value, *, name: _Name) -> _Value | None:
    """`name: word and more`: one value where the name begins the line; else perhaps prose."""
    first = text[value.start : value.end].lower().strip(".,:")
    end = line_end(text, value.end, within=200)
    if not re.search(r"\w", text[value.end : end].partition(" #")[0]):
        return None if first in PROSE else value
    near = max(0, name.start - 200)
    begin = max(near, text.rfind("\n", near, name.start) + 1)
    if name.kind == "password" and first not in PROSE and not _lead(text, begin, name=name):
        rest = _YAML_REST.match(text, value.start, line_end(text, end, within=_FAR))
        if rest and ": " not in rest[0]:
            return _Value(*rest.span(), bare=True)
    return replace(value, loose=True, open_end=False)


def _lead(text: str, begin: int, *, name: _Name) -> str:
    """What stands before a name on its line, but for quotes and a list's dash."""
    return text[begin : name.start].strip(" -\"'")


def _read(text: str, at: int, *, quote: str | None) -> _Value | None:
    """The value that begins there: up to the closing quote, or as far as a bare value goes."""
    if quote:
        end = _closing(text, at, quote=quote)
        if end >= 0:
            return _Value(at, end) if end > at else None
        end = line_end(text, at, within=_FAR)
        return _Value(at, at + tail_of(text[at:end]), open_end=True) if end > at else None
    bare = _BARE.match(text, at, at + _JUDGED)
    if not bare:
        return None
    end = bare.end()
    end = at + len(text[at:end].rstrip(_TRAILING)) if "(" not in text[at:end] else end
    return _Value(at, end, open_end=True, bare=True) if end > at else None


def _full_end(text: str, value: _Value) -> int:
    """The end of a value that is longer than what it was judged by."""
    bare = _BARE.match(text, value.start) if value.end - value.start == _JUDGED else None
    return bare.end() if bare else value.end


def _closing(text: str, at: int, *, quote: str) -> int:
    """Where the quote closes on this line; an escaped quote inside does not close it."""
    limit = line_end(text, at, within=_FAR)
    end = text.find(quote, at, limit)
    while len(quote) == 1 and end > at and text[end - 1] == "\\":
        escapes = len(text[at:end]) - len(text[at:end].rstrip("\\"))
        if escapes % 2 == 0:
            break
        end = text.find(quote, end + 1, limit)
    return end


def _below(text: str, at: int) -> _Value | None:
    """A value alone on the next line."""
    found = _BELOW.match(text, at)
    if not found:
        return None
    value = _read(text, found.end(), quote=found["quote"])
    if not value or text[value.end : line_end(text, value.end, within=20)].strip("\"'`,;)]}"):
        return None
    return None if text[value.start : value.end].endswith(":") else value


def _block(text: str, name: _Name, *, begin: int) -> _Value | None:
    """A YAML block: the lines below that are indented deeper than the name."""
    line = text.rfind("\n", 0, name.start) + 1
    lead = len(text[line : name.start]) - len(text[line : name.start].lstrip(" -"))
    at, end = begin, begin
    while at < len(text):
        stop = line_end(text, at)
        inside = text[at:stop]
        if inside.strip() and len(inside) - len(inside.lstrip(" ")) <= lead:
            break
        end = stop if inside.strip() else end
        at = stop + 1
    first = begin + len(text[begin:end]) - len(text[begin:end].lstrip(" \n"))
    return _Value(first, end) if end > first else None
