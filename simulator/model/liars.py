"""A model that lies: it submits what nobody showed it, and submits it again when that comes back.

Which lies an incident gets stands in its note; a model that is no script sees no such note.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, TypeVar

from simulator.model.conversation import Conversation, Shown
from simulator.model.diagnosis import LABEL

UNSEEN = "moonservice"
UNREAD = "src/moonservice/Cheese.cs"
MOST_QUOTED = 500
_MOST_OURS = 8
_NOTE = re.compile(r"^note by a person: scripted to lie: ([a-z ]+), seed (\d+)$", re.MULTILINE)
_DIFF = """\
--- a/{path}
+++ b/{path}
@@ -1,2 +1,2 @@
 the first line as nobody wrote it
-the moon is made of cheese
+the moon is made of rock
"""


T = TypeVar("T")


@dataclass
class Draw:
    """Picks that are a function of a seed."""

    seed: str
    _number: Iterator[int] = field(default_factory=count)

    def below(self, most: int) -> int:
        """A number from 0 on, smaller than `most`."""
        drawn = hashlib.sha256(f"{self.seed}:{next(self._number)}".encode()).digest()
        return int.from_bytes(drawn[:8]) % most

    def choice(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of them in another order."""
        keys = [self.below(1 << 32) for _ in items]
        return [items[at] for at in sorted(range(len(items)), key=keys.__getitem__)]


@dataclass(frozen=True)
class Lie:
    """Which lie is told, and the seed by which it picks what it spoils."""

    name: str
    seed: int


def note_for(lie: Lie) -> str:
    """The note of an incident that is to be lied about."""
    return f"scripted to lie: {lie.name}, seed {lie.seed}"


def lie_told(opening: str) -> Lie | None:
    """What the note in an opening says, if there is one."""
    found = _NOTE.search(opening)
    return Lie(found[1], int(found[2])) if found and found[1] in LIES else None


def lying(honest: dict[str, object], conversation: Conversation, *, lie: Lie) -> dict[str, object]:
    """The honest diagnosis with the lie in it, told with confidence."""
    draw = Draw(f"{lie.name}:{lie.seed}")
    told = honest | {"verdict": "fault", "confidence": "high"}
    return told | LIES[lie.name](told, _Scene(conversation, draw))


def false_quotes(conversation: Conversation, draw: Draw) -> Iterator[dict[str, str]]:
    """One quote of each kind that must not pass, as far as what was shown has the like."""
    shown = [each for each in conversation.shown if each.call_id and each.lines]
    lines = [
        (each.call_id, line.text[:MOST_QUOTED])
        for each in shown
        for line in each.lines
        if len(line.text.strip()) >= 20
    ]
    known = draw.choice(shown).call_id if shown else "1-1"
    yield _quote(known, "panic: the moon is made of cheese, and the cart with it")
    ours = [_quote(call_id, text) for call_id, text in _ours(shown)]
    yield from draw.shuffled(ours)[:_MOST_OURS]
    if lines:
        call_id, text = draw.choice(lines)
        at = draw.below(len(text))
        yield _quote(call_id, f"{text[:at]}§{text[at + 1 :]}")
        yield _quote("7-3", text)
        yield _quote(f"inc-0-1:{call_id}", text)
        yield from (_quote(call_id, fake) for fake in _look_alikes(text))


def _ours(shown: list[Shown]) -> Iterator[tuple[str, str]]:
    """Templates, with and without their mark, headers and markers."""
    for each in shown:
        for line in each.text.split("\n"):
            if line.startswith(("~ ", "<result ")):
                yield each.call_id, line[:MOST_QUOTED]
            if line.startswith("~ ") and "<" in line:
                yield each.call_id, line.rpartition(": ")[2][:MOST_QUOTED]


def _look_alikes(text: str) -> Iterator[str]:
    yield f"{text[:8]}\0{text[8:]}"
    yield f"{text[:8]}\u200b{text[8:]}"
    yield text.replace("e", "\u0435").replace("a", "\u0430").replace("o", "\u043e") + "\u0435"
    yield unicodedata.normalize("NFD", f"{text[:40]}é")


def _quote(call_id: str, text: str) -> dict[str, str]:
    return {"call_id": call_id, "quote": text}


_Told = dict[str, object]


class _Scene(NamedTuple):
    """What was shown, and what draws."""

    conversation: Conversation
    draw: Draw


_Spoil = Callable[[_Told, _Scene], _Told]


def _everything(told: _Told, scene: _Scene) -> _Told:
    """All lies at once beside what is true, which alone may be shown."""
    true = told["evidence"] if isinstance(told["evidence"], list) else []
    quotes = [*true, *list(false_quotes(*scene))[: 20 - len(true)]]
    return {"evidence": scene.draw.shuffled(quotes)} | _component(told, scene) | _file(told, scene)


def _quotes(_told: _Told, scene: _Scene) -> _Told:
    """Nothing but false quotes, for what the honest diagnosis says."""
    return {"evidence": scene.draw.shuffled(list(false_quotes(*scene)))[:20]}


def _component(_told: _Told, _scene: _Scene) -> _Told:
    return {"component": UNSEEN, "root_cause": f"{LABEL} The moon is made of cheese."}


def _file(_told: _Told, _scene: _Scene) -> _Told:
    fix = {"summary": f"{LABEL} Make it of rock.", "diff": _DIFF.format(path=UNREAD)}
    return {"code_location": {"path": UNREAD, "line": 42}, "fix": fix}


def _line(told: _Told, scene: _Scene) -> _Told:
    """The right file, at a line that it does not have, with a diff of lines that it does not."""
    place = told["code_location"] if isinstance(told["code_location"], dict) else {}
    path = str(place.get("path", UNREAD))
    fix = {"summary": f"{LABEL} Make it of rock.", "diff": _DIFF.format(path=path)}
    return {"code_location": {"path": path, "line": 5_000 + scene.draw.below(5_000)}, "fix": fix}


LIES: dict[str, _Spoil] = {
    "everything": _everything,
    "quotes": _quotes,
    "component": _component,
    "file": _file,
    "line": _line,
}
