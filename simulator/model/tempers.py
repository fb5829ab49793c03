"""Three tempers of the scripted model, by which an evaluation shows that it tells models apart.

An incident says in its note how it is to be played; a model that is no script sees no such note.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from simulator.model.conversation import Conversation
from simulator.model.diagnosis import LABEL

Temper = Literal["right", "wrong", "lazy"]
TEMPERS: tuple[Temper, ...] = get_args(Temper)
INVENTED = "a cosmic ray flipped a bit"
LEAST_QUOTED = 16
MOST_QUOTED = 500
_NOTE = re.compile(r"^note by a person: scripted as (right|wrong|lazy): (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """How an incident is played, and which one it is."""

    temper: Temper
    incident: str


def note_for(temper: Temper, incident: str) -> str:
    """The note of an incident that is to be played like that."""
    return f"scripted as {temper}: {incident}"


def played(opening: str) -> Played | None:
    """What the note in an opening says, if there is one."""
    found = _NOTE.search(opening)
    if found is None:
        return None
    (temper,) = (each for each in TEMPERS if each == found[1])
    return Played(temper, found[2])


def confidently_wrong(
    conversation: Conversation, claims: tuple[str, ...], *, component: str
) -> dict[str, object]:
    """A wrong cause, told as a fact, with a true quote that proves nothing."""
    claim = claims[0] if claims else INVENTED
    quotes = [
        {"call_id": shown.call_id, "quote": line.text[:MOST_QUOTED]}
        for shown in conversation.shown
        if shown.call_id and not shown.is_error
        for line in shown.lines
        if len(line.text[:MOST_QUOTED].strip()) >= LEAST_QUOTED
    ]
    return {
        "verdict": "fault",
        "summary": f"{LABEL} The incident has one cause: {claim}.",
        "root_cause": f"{LABEL} {claim}.",
        "component": component,
        "evidence": quotes[:1],
        "ruled_out": [],
        "gaps": [],
        "confidence": "high",
    }


def lazy() -> dict[str, object]:
    """An honest end without having looked."""
    return {
        "verdict": "unknown",
        "summary": f"{LABEL} The cause is not known.",
        "root_cause": "",
        "component": "",
        "evidence": [],
        "ruled_out": [],
        "gaps": [{"what": f"{LABEL} everything: no tool was called"}],
        "confidence": "low",
    }
