"""Private keys between BEGIN and END: on lines, escaped, behind log prefixes, cut off."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from bus.redaction.lines import head_of, line_end, tail_of
from bus.redaction.spans import Piece, Secret

_BEGIN = re.compile(r"-{4,5} ?BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?(?: ?-{4,5})?")
_END = re.compile(r"-{4,5} ?END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?(?: ?-{4,5})?")
_ESCAPED = re.compile(r"(?:\\+[nr]|[A-Za-z0-9+/=])*+")
_BODY = re.compile(
    r"[A-Za-z0-9+/=]{16,}+(?=[\s\"'\\,}\])]*$)|[A-Za-z0-9+/]{4,}={1,2}(?=[\s\"'\\,}\])]*$)"
)
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Comment|Version):.*")
_LEAD = " \t\"'`|>#*+-"
_LONGEST = 40_000
_WIDEST = 1_000


def find(text: str) -> Iterator[Secret]:
    """Every private key, whole or cut off at either end."""
    if "PRIVATE KEY" not in text:
        return
    begins, ends = list(_BEGIN.finditer(text)), list(_END.finditer(text))
    starts = [end.start() for end in ends]
    done, closed = 0, -1
    for begin in begins:
        if begin.start() < done:
            continue
        place = bisect_left(starts, begin.end())
        whole = place < len(starts) and starts[place] - begin.end() < _LONGEST
        if whole:
            yield from _headless_ones(text, ends[closed + 1 : place])
            found, closed = _between(text, begin.start(), end=ends[place].end()), place
        else:
            found = _cut_off(text, begin)
        done = found.end
        yield found
    yield from _headless_ones(text, ends[closed + 1 :])


def _headless_ones(text: str, ends: "list[re.Match[str]]") -> Iterator[Secret]:
    return (_headless(text, end) for end in ends)


def _between(text: str, start: int, *, end: int) -> Secret:
    """From BEGIN to END; behind prefixes, and with other lines between, line by line."""
    line_start = _line_start(text, start)
    before = text[line_start:start]
    body = text[start:end].split("\n")
    first = text[line_start : line_start + len(before) + len(body[0])]
    heads = [line[: head_of(line, first)].strip(_LEAD) for line in body[1:]]
    if not any(heads):
        return Secret("pem", ((start, end),))
    pieces: list[Piece] = [(start, start + len(body[0]))]
    at = pieces[0][1] + 1
    for line in body[1:]:
        head = head_of(line, first)
        rest = line[head:]
        if head or _BODY.search(rest) or " " not in rest.strip():
            pieces += [(at + head, at + max(head, tail_of(line)))] if rest else []
        at += len(line) + 1
    return Secret("pem", tuple(pieces))


def _cut_off(text: str, begin: "re.Match[str]") -> Secret:
    """BEGIN without END: the lines behind it that look like a key's."""
    escaped = _ESCAPED.match(text, begin.end())
    at = escaped.end() if escaped else begin.end()
    pieces: list[Piece] = [(begin.start(), at)]
    line_start = _line_start(text, begin.start())
    first = text[line_start : begin.end()]
    at = line_end(text, at, within=_WIDEST)
    while text[at : at + 1] == "\n":
        stop = line_end(text, at + 1, within=_WIDEST)
        line = text[at + 1 : stop]
        head = head_of(line, first)
        if line.strip() and not _HEADER.match(line, head):
            found = _BODY.match(line, head)
            if not found:
                break
            pieces.append((at + 1 + found.start(), at + 1 + found.end()))
        at = stop
    return Secret("pem", tuple(pieces))


def _headless(text: str, end: "re.Match[str]") -> Secret:
    """END without BEGIN: the lines before it that look like a key's."""
    pieces: list[Piece] = [end.span()]
    stop = text.rfind("\n", 0, end.start())
    while stop > 0:
        start = text.rfind("\n", 0, stop) + 1
        offset = max(start, stop - 200)
        found = _BODY.search(text[offset:stop])
        if not found:
            break
        pieces.insert(0, (offset + found.start(), offset + found.end()))
        stop = start - 1
    return Secret("pem", tuple(pieces))


def _line_start(text: str, at: int) -> int:
    first = max(0, at - _WIDEST)
    return max(text.rfind("\n", first, at) + 1, first)
