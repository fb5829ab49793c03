"""What the scripted model says next: a function of the conversation, with no memory of its own."""

import re
from dataclasses import dataclass

from simulator.model.conversation import Conversation
from simulator.model.diagnosis import LABEL, diagnose, undecided
from simulator.model.fitting import fitted
from simulator.model.liars import lie_told, lying
from simulator.model.quoting import SUBMIT
from simulator.model.tempers import confidently_wrong, lazy, played
from simulator.scenario import Scenario, ScriptedCall, ScriptedTurn

LIST_PODS = "kubernetes__list_pods"
LIST_EVENTS = "kubernetes__list_events"
_POD = re.compile(r"\{pod:([a-z0-9-]+)\}")
_CASE = re.compile(r"\bcase-[a-z0-9]+")


@dataclass(frozen=True)
class Call:
    """A tool call that goes out."""

    tool: str
    arguments: dict[str, object]


@dataclass(frozen=True)
class Reply:
    """What the model thinks, says and calls; without calls the turn has ended."""

    thinking: str
    text: str
    calls: tuple[Call, ...]


def next_reply(scenario: Scenario, conversation: Conversation) -> Reply:
    """The next scripted turn; after the last one, or when told to conclude, the diagnosis."""
    how = played(conversation.opening)
    if how and how.temper == "lazy":
        return submission(lazy(), conversation)
    known = _names_service(conversation.opening, scenario.service)
    turns = scenario.script.turns if known else _generic_turns(scenario.cluster.namespace)
    playable = _playable(turns, conversation)
    taken = conversation.replies_with_calls
    if taken < len(playable) and not conversation.told_to_conclude:
        turn = playable[taken]
        calls = tuple(
            Call(
                call.tool,
                _filled(
                    _named(call.arguments, conversation.opening, call_id=f"{taken + 1}-{k}"),
                    scenario,
                    conversation=conversation,
                ),
            )
            for k, call in enumerate(turn.calls, start=1)
        )
        return Reply(f"{LABEL} Turn {taken + 1} of the script.", _said(turn.text), calls)
    return submission(_end(scenario, conversation, known=known), conversation)


def _end(scenario: Scenario, conversation: Conversation, *, known: bool) -> dict[str, object]:
    how = played(conversation.opening)
    if how and how.temper == "wrong":
        wrong = scenario.expected.must_not_claim
        return confidently_wrong(conversation, wrong, component=scenario.service)
    honest = diagnose(scenario, conversation) if known else undecided(conversation)
    lie = lie_told(conversation.opening)
    return lying(honest, conversation, lie=lie) if lie else honest


def _names_service(opening: str, service: str) -> bool:
    return service.lower() in opening.lower()


def _generic_turns(namespace: str) -> tuple[ScriptedTurn, ...]:
    """A first look that is right for any incident."""
    where: dict[str, object] = {"namespace": namespace}
    return (
        ScriptedTurn(
            text="There is no script for this incident. First, which pods run and how they are.",
            calls=(ScriptedCall(tool=LIST_PODS, arguments=where),),
        ),
        ScriptedTurn(
            text=f"Next, what Kubernetes reported in {namespace}.",
            calls=(ScriptedCall(tool=LIST_EVENTS, arguments=where),),
        ),
    )


def _playable(turns: tuple[ScriptedTurn, ...], conversation: Conversation) -> list[ScriptedTurn]:
    """The turns with those of their calls whose tools are offered; none is without a call."""
    playable = []
    for turn in turns:
        offered = tuple(call for call in turn.calls if call.tool in conversation.tools)
        if conversation.one_call_at_a_time:
            playable += [ScriptedTurn(text=turn.text, calls=(call,)) for call in offered]
        elif offered:
            playable.append(ScriptedTurn(text=turn.text, calls=offered))
    return playable


def _named(arguments: dict[str, object], opening: str, *, call_id: str) -> dict[str, object]:
    """The arguments with the case and the call filled in, by which a stand-in's log tells calls."""
    found = _CASE.search(opening)
    words = {"{case}": found[0] if found else "case-none", "{call}": call_id}
    filled = dict(arguments)
    for name, value in arguments.items():
        for word, meant in words.items() if isinstance(value, str) else ():
            filled[name] = str(filled[name]).replace(word, meant)
    return filled


def _filled(
    arguments: dict[str, object], scenario: Scenario, *, conversation: Conversation
) -> dict[str, object]:
    def pod(match: re.Match[str]) -> str:
        return _pod_name(match[1], scenario, conversation=conversation)

    return {
        key: _POD.sub(pod, value) if isinstance(value, str) else value
        for key, value in arguments.items()
    }


def _pod_name(workload: str, scenario: Scenario, *, conversation: Conversation) -> str:
    """The first pod of the workload that was listed, else the scenario's first one."""
    listed = "\n".join(shown.text for shown in conversation.of(LIST_PODS))
    name = rf"(?<![\w-]){re.escape(workload)}"
    # A name with both suffixes is a pod's for sure; one suffix may also be that of a replica set.
    for suffix in (r"-[a-z0-9]{6,10}-[a-z0-9]{5}\b(?!-)", r"-[a-z0-9-]*[a-z0-9]"):
        found = re.search(name + suffix, listed)
        if found:
            return found[0]
    pods = [pod.name for pod in scenario.cluster.pods if pod.workload == workload]
    return pods[0] if pods else workload


def submission(arguments: dict[str, object], conversation: Conversation) -> Reply:
    """The reply that ends an investigation with those arguments, as the schema takes them."""
    thinking = f"{LABEL} The script is at its end; the diagnosis rests on what was shown."
    schema = conversation.tools.get(SUBMIT)
    if schema is None:
        return Reply(thinking, f"{arguments['summary']} {arguments['root_cause']}", ())
    fitting = fitted(arguments, schema)
    call = Call(SUBMIT, fitting if isinstance(fitting, dict) else arguments)
    return Reply(thinking, _said("That is enough to say what happened."), (call,))


def _said(text: str) -> str:
    return f"{LABEL} {text}"
