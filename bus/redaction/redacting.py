"""All kinds in their order, until nothing is found: cleaning twice changes nothing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

from bus.redaction import (
    cards,
    commands,
    encoded,
    headers,
    kubernetes,
    named,
    pem,
    published,
    urls,
    wrapped,
)
from bus.redaction.alike import alike
from bus.redaction.lines import goes_on
from bus.redaction.spans import Secret, merged, replaced

_ROUNDS = 8
_DEEPEST = 3
_ECHOES = 50
_AROUND = 3


@dataclass(frozen=True)
class Redacted:
    """A text without the secrets that are known, and how many of each kind there were."""

    text: str
    kinds: Counter[str]


def redact(text: str) -> Redacted:
    """Every secret that is known is a tag; what is a tag already stays one."""
    kinds: Counter[str] = Counter()
    there = published.present(text)
    for _ in range(_ROUNDS):
        found = _complete(text, there, depth=0) or merged(published.cut_short(text, there))
        if not found:
            break
        text, counted = replaced(text, found)
        kinds += counted
        near = _near(text)
        if not _complete(near, there, depth=0) and not any(published.cut_short(text, there)):
            break
    return Redacted(text, kinds)


def known(text: str, *, depth: int = 0) -> bool:
    """Whether a secret stands there that its own form tells; a value of a telling name is none."""
    there = published.present(text)
    at_once = (published.find(text, there), pem.find(text), urls.find(text), urls.in_settings(text))
    if any(chain(*at_once)):
        return True
    return depth < _DEEPEST and any(encoded.find(text, partial(known, depth=depth + 1)))


def _near(text: str) -> str:
    """Only the lines at tags, with those around them: nothing else can have become a secret."""
    lines = text.split("\n")
    at = [number for number, line in enumerate(lines) if "[secret:" in line]
    wanted = sorted({near for number in at for near in range(number - _AROUND, number + _AROUND)})
    return "\n".join(lines[number] for number in wanted if 0 <= number < len(lines))


def _complete(text: str, there: frozenset[str], *, depth: int) -> list[Secret]:
    found = merged(_all(text, there, depth=depth))
    return merged(chain(_continued(text, found), _echoes(text, found))) if found else found


def _all(text: str, there: frozenset[str], *, depth: int) -> Iterator[Secret]:
    text = alike(text)
    low = text.replace("\u0130", "i").lower()
    yield from pem.find(text)
    yield from published.find(text, there)
    yield from wrapped.find(text, there)
    yield from kubernetes.find(text)
    yield from urls.find(text)
    yield from headers.find(text, low)
    yield from commands.find(text, low)
    yield from named.find(text, low)
    yield from cards.find(text)
    if depth < _DEEPEST:
        yield from encoded.find(text, partial(_holds, depth=depth + 1))


def _holds(plain: str, *, depth: int) -> bool:
    return bool(_complete(plain, published.present(plain), depth=depth))


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
        if (
            10 <= len(value) <= 200
            and lettered
            and one.kind in ("password", "secret", "token", "key", "url")
        ):
            values.setdefault(value, one.kind)
    for value, kind in list(values.items())[:_ECHOES]:
        at = text.find(value)
        while at >= 0:
            yield Secret(kind, ((at, at + len(value)),))
            at = text.find(value, at + len(value))
