"""Values of names that announce a secret: key=value, JSON (escaped too), YAML, XML, flags, pairs.

Every stem of such a name is looked up in the lower-case text; only there a pattern is tried, and
it looks a bounded way ahead. So a clean text costs a few searches, and a hostile one no more than
its length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bus.redaction.code import is_code
from bus.redaction.lines import line_end
from bus.redaction.names import STEMS, Strength, is_secret, strength
from bus.redaction.spans import Secret, secret
from bus.redaction.tags import TAG
from bus.redaction.values import BLOCK, FAR, Value, below, block, full_end, items, read
from bus.redaction.words import PROSE

_REST = re.compile(r"[\w.-]{0,60}+(?:\[\w*\])?")
_ASSIGNED = re.compile(
    r"(?:\\{0,8}[\"'`])?[\])]?[ \t]{0,40}+"
    r"(?:=>|:=|=(?!=)|={2,3}(?=[ \t]?[\"'`])|:(?![:/]\S)|%3[Dd]|%3[Aa]|\\u003[dDaA]|&#61;)"
    r"[ \t]{0,40}+(?:\[(?!secret:) ?|\( ?|[brN@](?=[\"'])|string\(\d+\) (?=\")"
    r"|(?:Some|Secret|SecretStr|SecretString|Password|PASSWORD)\( ?(?=\\{0,8}[\"']))?"
    r"(?P<quote>\\{0,8}(?:\"{3}|'{3}|[\"'`]))?"
)
_ELEMENT = re.compile(r"(?:\s[^<>]{0,80})?>(?:<!\[CDATA\[)?(?=[^<>\s])")
_ELEMENT_END = re.compile(r"\]\]>|</?|\n")
_PAIRED = re.compile(
    r"\\{0,8}[\"']?\s{0,3},?\s{0,40}+(?:\\{0,8}[\"'])?(?:[A-Za-z]{1,12}V|[vV])alue(?:\\{0,8}[\"'])?"
    r"\s{0,3}[:=]\s{0,3}(?P<quote>\\{0,8}[\"'])?"
)
_NESTED = re.compile(
    r"\s{0,40}\{?\s{0,40}(?:\\{0,8}[\"'])?[vV]alue(?:\\{0,8}[\"'])?\s{0,3}:\s{0,3}(?P<quote>\\{0,8}[\"'])?"
)
_VALUE_FIRST = re.compile(
    r"[vV]alue\\{0,8}[\"']?\s{0,3}[:=]\s{0,3}(?P<quote>\\{0,8}[\"'])?(?P<value>[^\s\"',{}\\]{3,200})"
    r"(?(quote)\\{0,8}[\"'])\s{0,3},?\s{0,40}(?:\\{0,8}[\"'])?(?:[A-Za-z]{1,12}N|[nN])ame"
    r"\\{0,8}[\"']?\s{0,3}[:=]\s{0,3}\\{0,8}[\"']?\Z"
)
_FLAG = re.compile(
    r"\\{0,8}[\"']?(?:[ \t]+|,\s{0,40}|[ \t]{0,8}\n[ \t]{0,80}- )"
    r"(?P<quote>\\{0,8}[\"'])?(?!-)(?=[^\s,])"
)
_QUOTED_NEXT = re.compile(r"[ \t]+(?P<verb>(?:is|was)[ \t]+)?(?P<quote>\\{0,8}[\"'])")
_CALLED = re.compile(r"\([ \t]?(?P<quote>[\"'])")
_ARGUMENT = re.compile(r"[\"'],\s{0,3}(?P<quote>[\"'])")
_ADO = re.compile(r"[^;\"'\n]+")
_YAML_REST = re.compile(r"[^\n#]*[^\s#]")
_FRAME = re.compile(
    r"[\w.$-]+\.(?:java|kts?|scala|groovy|clj|go|pyx?|rb|rs|[cm]?[jt]sx?|vue|cs|vb|fs|php|cc?|cpp|h|hpp"
    r"|swift|exs?|erl|lua|dart|pl|sh|sql):(?:line )?\d+\b(?![\w@!#$%^*])"
)
"""A place in source code, as a stack trace names it."""
_LETTER = re.compile(r"\w")
_DIRECTORY = re.compile(r"(?:OLD)?PWD [~/][\w./+-]*|pwd ~?/[\w.+-]+/[\w./+-]*")
_RESOURCE = re.compile(r"arn:[\w:/-]*:")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."


@dataclass(frozen=True)
class _Name:
    """A secret's name in a text."""

    kind: Strength
    text: str
    start: int
    end: int


def find(text: str, low: str) -> Iterator[Secret]:
    """Every value of a secret's name; the name stays."""
    done = 0
    for at in _hits(low):
        if at < done:
            continue
        name = _name(text, at)
        done = name.end
        for value in _values(text, name) if name.kind else ():
            if _worth(text, value, name=name):
                done = max(done, full_end(text, value))
                kind = "key" if name.kind == "variable" else name.kind
                yield secret(kind, (value.start, full_end(text, value)), open_end=value.open_end)


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


def _worth(text: str, value: Value, *, name: _Name) -> bool:
    raw = text[value.start : value.end]
    if "[secret:" in raw and not re.search(r"\w", TAG.sub("", raw)):
        return False
    if not is_secret(name.kind, raw, name=name.text.strip("-."), loose=value.loose):
        return False
    behind = text[value.end : value.end + 8]
    code = value.bare and is_code(raw, name=name.text, behind=behind)
    return not code and not _DIRECTORY.fullmatch(f"{name.text} {raw}")


def _values(text: str, name: _Name) -> Iterator[Value]:
    """The value of a name, all of them where it is a list, or the one that stands before it."""
    if "ame" in text[max(0, name.start - 16) : name.start]:
        before = _VALUE_FIRST.search(text, max(0, name.start - 300), name.start)
        yield from [Value(*before.span("value"))] if before else ()
    value = _value(text, name)
    if value:
        yield from items(text, value) if text[name.start] != "-" else (value,)


def _value(text: str, name: _Name) -> Value | None:
    assigned = _ASSIGNED.match(text, name.end)
    if not assigned:
        return _apart(text, name)
    nested = None if assigned["quote"] else _NESTED.match(text, assigned.end())
    if nested:
        return read(text, nested.end(), quote=nested["quote"])
    return _assigned(text, assigned, name=name)


def _apart(text: str, name: _Name) -> Value | None:
    """A value without an equals sign or a colon between: of a pair, an element, a flag, a call."""
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
    if not found and name.text == "PASSWORD":
        found = _CALLED.match(text, name.end)
    if found:
        return read(text, found.end(), quote=found["quote"])
    found = _QUOTED_NEXT.match(text, name.end)
    value = read(text, found.end(), quote=found["quote"]) if found else None
    if value and found and found["verb"] and text[value.start : value.end].lower() in PROSE:
        return None
    sure = name.kind == "password" and name.text.lower() != "pass"
    return replace(value, loose=not sure) if value else None


def _inside(text: str, at: int, *, name: str) -> Value | None:
    """What stands between the tags of an element, on one line; other tags make it none."""
    end = _ELEMENT_END.search(text, at, at + FAR)
    closing = text[end.end() : end.end() + 80].partition(">")[0] if end else ""
    if end and end[0].startswith("<") and not (end[0] == "</" and closing.endswith(name)):
        return None
    if end and end[0] != "\n":
        return Value(at, end.start())
    return read(text, at, quote="")


def _assigned(text: str, found: "re.Match[str]", *, name: _Name) -> Value | None:
    at, quote = found.end(), found["quote"]
    if quote:
        return read(text, at, quote=quote)
    begun = BLOCK.match(text, at)
    if begun:
        return block(text, name=name.start, begin=begun.end())
    if text[at : at + 1] in ("\n", "\\"):
        return below(text, found.end())
    if text[name.start - 1 : name.start] == ";":
        ado = _ADO.match(text, at, at + FAR)
        return Value(*ado.span()) if ado else None
    value = read(text, at, quote="")
    spaced = ":" in found[0] and found[0][-1:].isspace()
    return _sentence(text, value, name=name) if value and spaced else value


def _sentence(text: str, value: Value, *, name: _Name) -> Value | None:
    """`name: word and more`: one value where the name begins the line; else perhaps prose."""
    first = text[value.start : value.end].lower().strip(".,:")
    end = line_end(text, value.end, within=200)
    if not _LETTER.search(text[value.end : end].partition(" #")[0]):
        return None if first in PROSE else value
    near = max(0, name.start - 200)
    begin = max(near, text.rfind("\n", near, name.start) + 1)
    if name.kind == "password" and first not in PROSE and not _lead(text, begin, name=name):
        rest = _YAML_REST.match(text, value.start, line_end(text, end, within=FAR))
        if rest and ": " not in rest[0]:
            return Value(*rest.span(), bare=True)
    return Value(value.start, value.end, loose=True, bare=value.bare)


def _lead(text: str, begin: int, *, name: _Name) -> str:
    """What stands before a name on its line, but for quotes and a list's dash."""
    return text[begin : name.start].strip(" -\"'")
