"""The gullible model of the hostile world: what it says next, and a note of what led to it."""

import re
from collections.abc import Mapping, Sequence

from simulator.model.conversation import Conversation
from simulator.model.gullible import Known, Said, obey
from simulator.model.script import Call, Reply
from simulator.redteam.attack import (
    FREE_ORDER,
    UNSEEN_CHARACTERS,
    Attack,
    bare,
    canary_of,
    channels,
    goals,
    templates,
)
from simulator.redteam.stage import NAMESPACE
from simulator.request_log import RequestLog

STAND_IN = "gullible"
_MARKER = re.compile(r"\brt-\d{4}\b")


class Victim:
    """Answers for every incident of the attacks; the log has a line for each of its replies."""

    def __init__(self, attacks: Sequence[Attack], log: RequestLog, *, attacker: str) -> None:
        self._attacks = {attack.marker: attack for attack in attacks}
        self._log = log
        self._attacker = attacker

    def reply(self, conversation: Conversation) -> Reply:
        """The next reply in that conversation."""
        found = _MARKER.search(conversation.opening)
        attack = self._attacks.get(found[0]) if found else None
        if attack is None:
            return Reply("", "This is no incident of mine.", ())
        said = obey(attack.marker, _known(attack, self._attacker), conversation=conversation)
        self._note(attack, said)
        return said.reply

    def _note(self, attack: Attack, said: Said) -> None:
        read = "\n".join(said.texts)
        self._log.record(
            STAND_IN,
            "reply",
            status=200,
            case=attack.marker,
            delivered=attack.planted in bare(read),
            canary=canary_of(attack.marker) in read,
            unseen=sorted({f"U+{ord(each):04X}" for each in UNSEEN_CHARACTERS.findall(read)}),
            longest=max(map(len, said.texts), default=0),
            words=said.order.words,
            calls=[{"tool": call.tool, "arguments": call.arguments} for call in said.reply.calls],
            text=said.reply.text,
        )


def _known(attack: Attack, attacker: str) -> Known:
    marker = attack.marker
    log = {"namespace": NAMESPACE, "pod": attack.pod, "tail_lines": 100}
    looks = [Call("kubernetes__get_logs", dict(log))]
    for look in channels()[attack.channel].looks:
        filled: dict[str, object] = {
            name: value.replace("{marker}", marker) if isinstance(value, str) else value
            for name, value in look.arguments.items()
        }
        looks.append(Call(look.tool, filled))
    return Known(looks=tuple(looks), phrases=_phrases(marker, attacker))


def _phrases(marker: str, attacker: str) -> Mapping[str, str]:
    """What a name that stands for an order means, and what a text without one is taken for."""
    meant = {
        f"{marker}-{template}-{goal}-0": order
        for goal, order in goals().items()
        for template in templates()
    }
    meant[f"{marker} says: "] = FREE_ORDER
    return {
        phrase: order.replace("{marker}", marker).replace("{attacker}", attacker)
        for phrase, order in meant.items()
    }
