"""Which service a person means by a word: one of the catalogue, or none. Pure.

Case, dashes and a missing "service" at the end do not count. Anything less is a suggestion in the
answer and opens nothing: what a person types selects only what somebody has listed.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COMMAND = "/diagnose"
ALL_SERVICES = "all services"
"""What is carried where nobody has listed services and the person named none."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_AROUND = "`*_~\"'\u2018\u2019\u201c\u201d,.:;!?()[]<>"
_HELP = {"help", "usage", "-h", "--help"}
SHOWN = 20
SUGGESTED = 3


@dataclass(frozen=True)
class Choice:
    """The service, or the sentence that says why there is none; never both."""

    service: str = ""
    refusal: str = ""


def named_first(text: str) -> tuple[str, str]:
    """The first word without the signs around it, and the rest: the name, and what is seen."""
    word, rest = [*text.split(None, 1), "", ""][:2]
    return word.strip(_AROUND), rest.strip()


def choose(word: str, known: Sequence[str]) -> Choice:
    """The service of the catalogue that the word names; without a catalogue the word itself."""
    if not known:
        return _as_it_is(word)
    same = [name for name in known if name.lower() == word.lower()]
    same = same or [name for name in known if _bare(name) == _bare(word) and _bare(word)]
    if len(same) == 1:
        return Choice(same[0])
    if not word or word.lower() in _HELP:
        return Choice(refusal=f"{_usage(known[0])} I know {_listed(known)}.")
    shown = _shown(word)
    if same:
        return Choice(refusal=f"{shown} may mean {_listed(same)}: say which one.")
    return Choice(refusal=f"There is no service {shown} here. {_suggestion(word, known)}")


def named_within(text: str, known: Sequence[str]) -> str:
    """The one service that a question names by its whole name; nothing for none, or for several.

    A first word that may have been meant as another service leaves nothing to find either.
    """
    words = [word.strip(_AROUND) for word in text.split()]
    if not words or difflib.get_close_matches(_plain(words[0]), map(_plain, known), n=1):
        return ""
    spoken = {_plain(word) for word in words}
    named = [name for name in known if _plain(name) in spoken]
    return named[0] if len(named) == 1 else ""


def _as_it_is(word: str) -> Choice:
    if not word:
        return Choice(ALL_SERVICES)
    if word.lower() in _HELP:
        return Choice(refusal=_usage("cartservice"))
    if _NAME.fullmatch(word):
        return Choice(word)
    return Choice(refusal=f"{_shown(word)} does not look like the name of a service.")


def _usage(example: str) -> str:
    how = f"`{COMMAND} SERVICE [what you see]`, as in `{COMMAND} {example} it is slow`"
    return f"Say which service, and what you see if you like: {how}."


def _suggestion(word: str, known: Sequence[str]) -> str:
    close = _close(_bare(word), {_bare(name): name for name in reversed(known)}, cutoff=0.6)
    # The word "service" alone makes whole names alike, so they have to be more so.
    whole = {f"{_bare(name)}service": name for name in reversed(known)}
    close += _close(_plain(word), whole, cutoff=0.85)
    if close:
        return f"Did you mean {_listed(list(dict.fromkeys(close))[:SUGGESTED])}?"
    return f"I know {_listed(known)}."


def _close(word: str, named: Mapping[str, str], *, cutoff: float) -> list[str]:
    found = difflib.get_close_matches(word, list(named), n=SUGGESTED, cutoff=cutoff)
    return [named[name] for name in found]


def _listed(names: Sequence[str]) -> str:
    more = f"one of {len(names) - SHOWN} more"
    shown = [*names[:SHOWN], *([more] if len(names) > SHOWN else [])]
    return ", ".join(shown[:-1]) + (" or " if len(shown) > 1 else "") + shown[-1]


def _shown(word: str) -> str:
    return f'"{word[:40]}"'


def _bare(name: str) -> str:
    """Without case and dashes, and without "service" or "svc" at the end."""
    return re.sub(r"(?<=.)(service|svc)$", "", _plain(name))


def _plain(name: str) -> str:
    """Without case and dashes."""
    return re.sub(r"[-_.]", "", name.lower())
