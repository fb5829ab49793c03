"""Lines as a log shows them: what stands before the text proper, and how a secret goes on below."""

import re

_CRI = re.compile(r"\S*\d\d:\d\d:\d\d\S* (?:stdout|stderr) [FP] ")
_DIGITS = {ord(digit): "0" for digit in "123456789"}
_LEAD = " \t\"'`|>#*+"
_CLOSERS = " \t\"'`}])\\,;|"
_SEPARATORS = re.compile(r".*[\s\"'|>\]):]", re.DOTALL)
_LONE = re.compile(r"[A-Za-z0-9_~+/.!@$%^*-]{4,4096}+={0,2}")
_WIDEST = 160
MOST_LINES = 60


def head_of(line: str, before: str) -> int:
    """How many letters of a line are a prefix that the line before has too, digits aside."""
    cri = _CRI.match(line)
    if cri:
        return cri.end()
    cut = _SEPARATORS.match(line, 0, _alike(line, before))
    head = cut.end() if cut else 0
    return head + len(line[head:]) - len(line[head:].lstrip(_LEAD))


def _alike(line: str, before: str) -> int:
    """How many first letters two lines share, any digit being as good as any other."""
    one, other = line[:_WIDEST].translate(_DIGITS), before[:_WIDEST].translate(_DIGITS)
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if one[:middle] == other[:middle] else (least, middle - 1)
    return least


def tail_of(line: str) -> int:
    """Where a line ends, but for what closes quotes and brackets, and an escaped line feed."""
    core = line.rstrip(_CLOSERS)
    if core.endswith("n") and line[len(core) - 2 : len(core) - 1] == "\\":
        core = core[:-2].rstrip(_CLOSERS)
    return len(core)


def lone_token(line: str, before: str) -> tuple[int, int] | None:
    """Where the only token of a line stands, if a prefix and closers are all that is beside it."""
    head, tail = head_of(line, before), tail_of(line)
    found = _LONE.fullmatch(line, head, max(head, tail))
    return found.span() if found else None


def line_end(text: str, at: int, *, within: int = 1 << 60) -> int:
    """The end of the line that holds that place, looked for so far and no farther."""
    limit = min(len(text), at + within)
    end = text.find("\n", at, limit)
    return limit if end < 0 else end


def goes_on(text: str, end: int, *, start: int, dense: bool = False) -> list[tuple[int, int]]:
    """Pieces on the lines below, where a secret that fills its line to the end goes on.

    `dense`: it is base64, so any lone token may be a piece.
    """
    pieces: list[tuple[int, int]] = []
    at = line_end(text, end, within=200)
    begin = text.rfind("\n", max(0, start - 2000), start) + 1
    if text[end:at].strip(_CLOSERS + "n") or text[at : at + 1] != "\n":
        return pieces
    line = text[begin:at]
    for _ in range(MOST_LINES):
        stop = line_end(text, at + 1, within=5000)
        below = text[at + 1 : stop]
        found = lone_token(below, line)
        if not found or not (dense or looks_cut(below[found[0] : found[1]])):
            break
        pieces.append((at + 1 + found[0], at + 1 + found[1]))
        at, line = stop, below
    return pieces


def looks_cut(token: str) -> bool:
    """Whether a token looks like the rest of a secret, not like a word or a number."""
    lettered = any(map(str.isdigit, token)) and any(map(str.isalpha, token))
    mixed = re.search("[A-Z]{2}", token) and re.search("[a-z]", token)
    return bool(lettered or mixed) and not _ORDINARY.match(token)


_ORDINARY = re.compile(r"v?\d+(?:[.:-]\d+)+\w?$|[a-z0-9-]+(?:\.[a-z0-9-]+)+$|/")
