"""Which service of the catalogue a name or a text means; none whose letters only stand in it. Pure.

Names are compared by whole words: `research` is not `search`, and a `downloader` no `ad`. Case does
not count, nor how words are joined: `cart-service`, `cartService` and `cartservice` are one name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[0-9]+[a-z]+|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_CALLED = re.compile(r"(?<=.)(?:service|svc)$")
ENVIRONMENTS = (
    r"prod|production|stage|staging|dev|development|test|qa|uat|live|sandbox|aws|eks|ecs|k8s"
)
"""And platforms: words in a name that say where something runs."""
_AFFIX = re.compile(
    rf"{ENVIRONMENTS}|"
    # what it is run as
    r"service|svc|app|application|deployment|function|fn|lambda|pod|headless|metrics|"
    # one of its releases
    r"canary|primary|stable|preview|blue|green|v\d+"
)
"""Words around a service's name with which it is still the same service."""


def words_of(text: str) -> list[re.Match[str]]:
    """The words of a name, split at signs and where camel case begins a new one."""
    return list(_WORD.finditer(text))


def plain_words(text: str) -> list[str]:
    """The same in lower case."""
    return [word[0].lower() for word in words_of(text)]


def listed_as(value: str, known: Sequence[str]) -> str:
    """The service of the catalogue that a name is, but for an affix; none for another service."""
    by_plain, words = _by_plain(tuple(known)), plain_words(value)
    before = 0
    found = [by_plain.get(_plain(value), "")]
    while before < len(words):
        behind = len(words)
        while behind > before:
            found += _called("".join(words[before:behind]), by_plain)
            if not _AFFIX.fullmatch(words[behind - 1]):
                break
            behind -= 1
        if not _AFFIX.fullmatch(words[before]):
            break
        before += 1
    return max(found, key=len)


def named_in(text: str, known: Sequence[str]) -> str:
    """The longest name of the catalogue that stands in a text as whole words; none for none."""
    by_plain, words = _by_plain(tuple(known)), plain_words(text)
    longest = max(map(len, by_plain), default=0) + len("service")
    found = [
        name
        for first in range(len(words))
        for joined in _joined(words[first:], longest)
        for name in _called(joined, by_plain)
    ]
    return max(found, key=len, default="")


def _joined(words: Sequence[str], longest: int) -> Iterator[str]:
    """The first word, the first two as one, and so on."""
    joined = ""
    for word in words:
        joined += word
        if len(joined) > longest:
            return
        yield joined


def _called(joined: str, by_plain: Mapping[str, str]) -> list[str]:
    """The name itself, and the one that is called a service here."""
    both = (by_plain.get(joined, ""), by_plain.get(_CALLED.sub("", joined), ""))
    return [name for name in both if name]


@lru_cache(maxsize=8)
def _by_plain(known: tuple[str, ...]) -> Mapping[str, str]:
    return {_plain(name): name for name in reversed(known) if _plain(name)}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())
