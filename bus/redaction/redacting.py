"""All kinds in their order, over and over until nothing is found: cleaning twice changes nothing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from bus.redaction import cards, encoded, formats, headers, kubernetes, named, pem, urls, wrapped
from bus.redaction.lines import goes_on
from bus.redaction.spans import Secret, merged, replaced

_ROUNDS = 8
_DEEPEST = 3
_ECHOES = 50


@dataclass(frozen=True)
class Redacted:
    """A text without the secrets that are known, and how many of each kind there were."""

    text: str
    kinds: Counter[str]


def redact(text: str) -> Redacted:
    """Every secret that is known is a tag; what is a tag already stays one."""
    kinds: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        found = _complete(text, depth=0) or merged(formats.cut_short(text))
        if not found:
            break
        text, counted = replaced(text, found)
        kinds += counted
    return Redacted(text, kinds)


def _complete(text: str, *, depth: int) -> list[Secret]:
    found = merged(_all(text, depth=depth))
    return merged(chain(_continued(text, found), _echoes(text, found))) if found else found


def _all(text: str, *, depth: int) -> Iterator[Secret]:
    low = text.replace("\u0130", "i").lower()
    present = formats.present(text)
    yield from pem.find(text)
    yield from formats.find(text, present)
    yield from wrapped.find(text, present)
    yield from kubernetes.find(text)
    yield from urls.find(text)
    yield from headers.find(text, low)
    yield from named.find(text, low)
    yield from cards.find(text)
    if depth < _DEEPEST:
        yield from encoded.find(text, lambda plain: bool(_complete(plain, depth=depth + 1)))


def _continued(text: str, found: list[Secret]) -> Iterator[Secret]:
    """The same, with what stands on the lines below where a secret goes on there."""
    behind = [one.start for one in found[1:]] + [len(text)]
    for one, limit in zip(found, behind, strict=True):
        below = goes_on(text, one.end, start=one.start) if one.open_end else []
        pieces = tuple(piece for piece in below if piece[1] <= limit)
        yield Secret(one.kind, one.pieces + pieces)


def _echoes(text: str, found: list[Secret]) -> Iterator[Secret]:
    """Other places where a long value of a secret stands without its name."""
    values: dict[str, str] = {}
    for one in found:
        value = text[one.start : one.pieces[0][1]]
        lettered = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
        if 10 <= len(value) <= 200 and lettered and one.kind in ("password", "secret", "token", "key", "url"):
            values.setdefault(value, one.kind)
    for value, kind in list(values.items())[:_ECHOES]:
        at = text.find(value)
        while at >= 0:
            yield Secret(kind, ((at, at + len(value)),))
            at = text.find(value, at + len(value))
