"""Models that do not stop by themselves, each in its own way: what the limits are there for.

Like every scripted model they have no memory: what they say is a function of the conversation.
"""

import random
from collections.abc import Callable
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
KINDS: tuple[Kind, ...] = get_args(Kind)
LABEL = "[unruly]"
FLOOD = 1_000
"""Calls of one reply of a `flooding` model."""
NOWHERE = "kubernetes__no_such_tool"
_WORDS = f"{LABEL} I will look at the very same thing once more, because I always do."


def unruly(kind: Kind, *, flood: int = FLOOD, seed: int = 0) -> Callable[[Conversation], Reply]:
    """A model of that kind, for `build_model`.

    | kind | says |
    |---|---|
    | looping | the same call every time |
    | alternating | two calls in turn |
    | failing | a call of a tool that nobody offers, another one each time |
    | forever | one to four new calls every time, until it is told to conclude |
    | ignoring | the same when it is told to conclude, too |
    | flooding | `flood` calls in one reply, every time |
    | silent | nothing at all |
    | talking | words and no call |
    | repeating | the same words every time, with new calls |

    Those that call tools do so when told to conclude, but for `forever` and `repeating`, which then
    end with a diagnosis. `seed` draws what is new.
    """

    def reply(conversation: Conversation) -> Reply:
        taken = conversation.replies_with_calls
        drawn = random.Random(f"{seed} {taken} {conversation.opening}")
        if kind in ("forever", "repeating") and conversation.told_to_conclude:
            return submission(_unknown(), conversation)
        words = {"silent": "", "repeating": _WORDS}.get(kind, f"{LABEL} Turn {taken + 1}.")
        return Reply(f"{LABEL} thinking", words, _calls(kind, conversation, drawn, flood=flood))

    return reply


def _calls(
    kind: Kind, conversation: Conversation, drawn: random.Random, *, flood: int
) -> tuple[Call, ...]:
    taken, tool = conversation.replies_with_calls, _some_tool(conversation)

    def new(number: int) -> Call:
        return Call(tool, {"pod": f"pod-{taken + 1}-{number}-{drawn.getrandbits(32):08x}"})

    if kind == "looping":
        return (Call(tool, {"pod": "cart"}),)
    if kind == "alternating":
        return (Call(tool, {"pod": ("cart", "frontend")[taken % 2]}),)
    if kind == "failing":
        return (Call(f"{NOWHERE}_{taken + 1}", {}),)
    if kind in ("forever", "ignoring", "repeating"):
        return tuple(new(number) for number in range(drawn.randint(1, 4)))
    if kind == "flooding":
        return tuple(Call(tool, {"n": number}) for number in range(flood))
    return ()


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
