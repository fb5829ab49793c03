"""How far a value goes that begins at a place: to its quote, its blank, or over the lines below."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bus.redaction.lines import line_end, lone_token, looks_cut, tail_of

_BELOW = re.compile(
    r"[ \t]*\\?\n(?P<lead>[ \t]*+(?:[|>] ?|- )?)(?P<quote>[\"'])?(?=[^\s:=-])"
    r"(?!(?:[A-Z][A-Z\d_]{0,60}|[A-Za-z_.-]{1,60})=(?:[^=\s]|(?<=[A-Z\d_]=)\s))"
)
BLOCK = re.compile(r"[|>][+-]?\d?[+-]?[ \t]*\n")
_BARE = re.compile(
    r"(?:[^\s\"'`,;&<>\\]|&(?![\w.%-]{1,40}=|amp;)|,(?!\s|\Z|[\"'{\[]|[\w .-]{1,40}[=:])"
    r"|;(?!\s|\Z|[\w .]{1,40}=)|\\(?![nrt\"'\s\\]|u00|\Z)|(?<=[\w!@#$%^*])<)+"
)
_NEXT = re.compile(r"\\{0,8}[\"'`]?,\s{0,40}+(?P<quote>\\{0,8}[\"'`])?(?=[^\s\"'])")
FAR = 8192
_JUDGED = 300
_TRAILING = ".,:)]}>\\?"


@dataclass(frozen=True)
class Value:
    """Where a value stands; `loose`: it may be a word of a sentence; `bare`: no quotes."""

    start: int
    end: int
    loose: bool = False
    open_end: bool = False
    bare: bool = False


def read(text: str, at: int, *, quote: str | None) -> Value | None:
    """The value that begins there: up to the closing quote, or as far as a bare value goes."""
    if quote:
        end = _closing(text, at, quote=quote)
        if end >= 0:
            return Value(at, end) if end > at else None
        end = line_end(text, at, within=FAR)
        return Value(at, at + tail_of(text[at:end]), open_end=True) if end > at else None
    bare = _BARE.match(text, at, at + _JUDGED)
    if not bare:
        return None
    end = bare.end()
    end = at + len(text[at:end].rstrip(_TRAILING)) if "(" not in text[at:end] else end
    return Value(at, end, open_end=True, bare=True) if end > at else None


def full_end(text: str, value: Value) -> int:
    """The end of a value that is longer than what it was judged by."""
    bare = _BARE.match(text, value.start) if value.end - value.start == _JUDGED else None
    return bare.end() if bare else value.end


def _closing(text: str, at: int, *, quote: str) -> int:
    """Where the quote closes on this line; an escaped quote inside does not close it."""
    limit = line_end(text, at, within=FAR) if len(quote) < 3 or quote[0] == "\\" else at + FAR
    end = text.find(quote, at, limit)
    while len(quote) == 1 and end > at and text[end - 1] == "\\":
        escapes = len(text[at:end]) - len(text[at:end].rstrip("\\"))
        if escapes % 2 == 0:
            break
        end = text.find(quote, end + 1, limit)
    return end


def items(text: str, first: Value) -> Iterator[Value]:
    """That value, and those behind it where it is the first of a list."""
    opened = text[max(0, first.start - 12) : first.start].rstrip("\\\"'` ")[-1:]
    value: Value | None = first
    while value:
        yield value
        end = value.end
        found = _NEXT.match(text, end) if opened == "[" else None
        value = read(text, found.end(), quote=found["quote"]) if found else None
        if opened == "-":
            value = below(text, end + (text[end : end + 1] in ("'", '"')), item=True)


def below(text: str, at: int, *, item: bool = False) -> Value | None:
    """A value alone on the next line, also behind the prefix of a log; `item`: only of a list."""
    found = _BELOW.match(text, at)
    if item and not (found and found["lead"].endswith("- ")):
        return None
    value = read(text, found.end(), quote=found["quote"]) if found else None
    if not value or text[value.end : line_end(text, value.end, within=20)].strip("\"'`,;)]}"):
        return _behind_prefix(text, at)
    return None if text[value.start : value.end].endswith(":") else value


def _behind_prefix(text: str, at: int) -> Value | None:
    """What stands alone on the next line behind the same prefix, and is no word."""
    stop = line_end(text, at, within=40)
    near = max(0, at - 2000)
    line = text[max(near, text.rfind("\n", near, at) + 1) : stop]
    next_line = text[stop + 1 : line_end(text, stop + 1, within=FAR)]
    token = lone_token(next_line, line) if text[stop : stop + 1] == "\n" else None
    if not token or not token[0] or not looks_cut(next_line[slice(*token)]):
        return None
    return Value(stop + 1 + token[0], stop + 1 + token[1], open_end=True)


def block(text: str, *, name: int, begin: int) -> Value | None:
    """A YAML block: the lines below that are indented deeper than the name."""
    line = text.rfind("\n", 0, name) + 1
    lead = len(text[line:name]) - len(text[line:name].lstrip(" -"))
    at, end = begin, begin
    while at < len(text):
        stop = line_end(text, at)
        inside = text[at:stop]
        if inside.strip() and len(inside) - len(inside.lstrip(" ")) <= lead:
            break
        end = stop if inside.strip() else end
        at = stop + 1
    first = begin + len(text[begin:end]) - len(text[begin:end].lstrip(" \n"))
    return Value(first, end) if end > first else None
