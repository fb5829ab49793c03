"""Models that do not stop by themselves, each in its own way: what the limits are there for.

An incident says in its note how it is to be played, as with `tempers`; a real model sees no such
note. What they say is a function of the conversation: they have no memory either.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from simulator.model.conversation import Conversation
from simulator.model.quoting import SUBMIT
from simulator.model.script import Call, Reply, submission

Kind = Literal[
    "looping",
    "alternating",
    "failing",
    "forever",
    "ignoring",
    "flooding",
    "silent",
    "talking",
    "repeating",
]
"""What it says: the same call every time; two calls in turn; calls of tools that nobody offers; new
calls until it is told to conclude; new calls even then; `flood` new ones in a reply; nothing at
all; words and no call; the same words with new calls. Only `forever` and `repeating` listen when
they are told to conclude: they end with a diagnosis then."""
KINDS: tuple[Kind, ...] = get_args(Kind)
LABEL = "[unruly]"
FLOOD = 1_000
"""Calls of one reply of a `flooding` model."""
NOWHERE = "kubernetes__no_such_tool"
_NOTE = re.compile(rf"^note by a person: scripted as unruly: ({'|'.join(KINDS)})$", re.MULTILINE)
_WORDS = f"{LABEL} I will look at the very same thing once more, because I always do."


def note_for(kind: Kind) -> str:
    """The note of an incident whose model is to be of that kind."""
    return f"scripted as unruly: {kind}"


def kind_in(opening: str) -> Kind | None:
    """The kind that the note in an opening names, if there is one."""
    found = _NOTE.search(opening)
    return next((kind for kind in KINDS if kind == found[1]), None) if found else None


def unruly(
    *, flood: int = FLOOD, thinks: int = 100, seed: int = 0
) -> Callable[[Conversation], Reply]:
    """A model that is of the kind which each incident names, for `build_model`.

    Every reply has `thinks` characters of thinking; `seed` draws what is new.
    """

    def reply(conversation: Conversation) -> Reply:
        kind = kind_in(conversation.opening) or "talking"
        if kind in ("forever", "repeating") and conversation.told_to_conclude:
            return submission(_unknown(), conversation)
        taken = conversation.replies_with_calls
        words = {"silent": "", "repeating": _WORDS}.get(kind, f"{LABEL} Turn {taken + 1}.")
        new = _new_pods(f"{seed} {taken} {conversation.opening}")
        return Reply("x" * thinks, words, _calls(kind, conversation, new=new, flood=flood))

    return reply


def _calls(
    kind: Kind, conversation: Conversation, *, new: Sequence[str], flood: int
) -> tuple[Call, ...]:
    taken, tool = conversation.replies_with_calls, _some_tool(conversation)
    if kind == "looping":
        return (Call(tool, {"pod": "cart"}),)
    if kind == "alternating":
        return (Call(tool, {"pod": ("cart", "frontend")[taken % 2]}),)
    if kind == "failing":
        return (Call(f"{NOWHERE}_{taken + 1}", {}),)
    if kind in ("forever", "ignoring", "repeating"):
        return tuple(Call(tool, {"pod": pod}) for pod in new)
    if kind == "flooding":
        return tuple(Call(tool, {"n": taken * flood + number}) for number in range(flood))
    return ()


def _new_pods(drawn_by: str) -> list[str]:
    """One to four names that nobody has asked for before."""
    drawn = hashlib.sha256(drawn_by.encode()).hexdigest()
    return [f"pod-{drawn[8 * k : 8 * k + 8]}" for k in range(1, 2 + int(drawn[0], 16) % 4)]


def _some_tool(conversation: Conversation) -> str:
    """The first tool that is offered; without one, a tool that is not."""
    offered = sorted(name for name in conversation.tools if name != SUBMIT)
    return offered[0] if offered else NOWHERE


def _unknown() -> dict[str, object]:
    return {
        "verdict": "unknown",
        "summary": f"{LABEL} I was told to conclude.",
        "root_cause": "",
        "component": "",
        "evidence": [],
        "ruled_out": [],
        "gaps": [],
        "confidence": "low",
    }
