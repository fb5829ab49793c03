"""A script for any cluster: a first look at a namespace, and a few faults that it recognises.

It is no model and judges nothing: it takes the first line that one of its patterns matches. That is
enough to see the whole loop run where there is no account of a model (deploy/k8s/overlays/trial).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from simulator.model.conversation import Conversation
from simulator.model.diagnosis import LABEL, undecided
from simulator.model.quoting import LONGEST_QUOTE, Quote, refused_quotes
from simulator.model.script import LIST_PODS, Call, Reply, submission

WORKLOADS, POLICIES = "kubernetes__list_workloads", "kubernetes__list_network_policies"
LOGS, HISTORY = "kubernetes__get_logs", "kubernetes__rollout_history"
_SERVICE = re.compile(r"^service: ([A-Za-z0-9.-]+)$", re.MULTILINE)
_POD_SUFFIX = re.compile(r"-[a-z0-9]{6,10}-[a-z0-9]{5}$")


@dataclass(frozen=True)
class Known:
    """A fault by the line that shows it; the pattern's group, if any, is what broke.

    In the cause `{service}` is the incident's, and `{changed}` what `changes` finds rolled out.
    """

    tool: str
    pattern: str
    cause: str
    changes: str = ""


FAULTS = (
    Known(
        LIST_PODS,
        r"^container \S+ of pod (\S+) .*last_reason=OOMKilled",
        "Its container is killed again and again (OOMKilled): it needs more than its memory limit.",
    ),
    Known(
        LIST_PODS,
        r"^container \S+ of pod (\S+) .*reason=(?:ErrImagePull|ImagePullBackOff)",
        "Its image cannot be pulled (ImagePullBackOff): there is no such tag, or no way to it.",
    ),
    Known(WORKLOADS, r"^\w+ (\S+) ready=0/0 ", "It is scaled to 0: no pod of it runs."),
    Known(
        LOGS,
        r"no such host|name resolver error|produced zero addresses",
        "A variable of it ({changed}) names a host that does not exist.",
        r"^revision \d+ has containers\.\S+\.env\.([A-Z_]+=\S+)",
    ),
    Known(
        POLICIES,
        r"^network policy (\S+): they may be reached",
        "This network policy leaves {service} out, if it is not named in it.",
    ),
)


def first_look(namespace: str) -> Callable[[Conversation], Reply]:
    """What that script says next in a conversation about the namespace."""
    return partial(_next, namespace)


def _next(namespace: str, conversation: Conversation) -> Reply:
    service = next(iter(_SERVICE.findall(conversation.opening)), "")
    looks = list(_looks(namespace, service, conversation=conversation))
    taken = conversation.replies_with_calls
    if taken < len(looks) and not conversation.told_to_conclude:
        return Reply(f"{LABEL} Look {taken + 1}.", f"{LABEL} A look at {namespace}.", looks[taken])
    return submission(_concluded(conversation, service), conversation)


def _looks(
    namespace: str, service: str, *, conversation: Conversation
) -> Iterator[tuple[Call, ...]]:
    """The calls of each turn, as far as their tools are offered."""
    where: dict[str, object] = {"namespace": namespace}
    # The shop's frontend is where the errors of what it calls are logged.
    pods = {_POD_SUFFIX.sub("", pod): pod for pod in _pods(conversation)}
    known = [pods[name] for name in dict.fromkeys((service, "frontend")) if name in pods]
    second = [Call(LOGS, where | {"pod": pod, "tail_lines": 200}) for pod in known]
    if service:
        second.append(Call(HISTORY, where | {"kind": "Deployment", "name": service}))
    for calls in ([Call(tool, where) for tool in (LIST_PODS, WORKLOADS, POLICIES)], second):
        offered = tuple(call for call in calls if call.tool in conversation.tools)
        if offered:
            yield offered


def _pods(conversation: Conversation) -> list[str]:
    lines = [quote.text for quote in _quotes(conversation, LIST_PODS)]
    return [line.split()[1] for line in lines if line.startswith("pod ")]


def _concluded(conversation: Conversation, service: str) -> dict[str, object]:
    refused = refused_quotes(conversation)
    for known in FAULTS:
        for quote in _quotes(conversation, known.tool):
            found = re.search(known.pattern, quote.text)
            if found and quote not in refused:
                broke = _POD_SUFFIX.sub("", found[1]) if found.groups() else service
                changed = _changed(conversation, known.changes)
                cause = known.cause.format(changed=changed, service=service)
                return _fault(broke, cause, quote=quote)
    return undecided(conversation)


def _quotes(conversation: Conversation, tool: str) -> Iterator[Quote]:
    for shown in conversation.of(tool):
        for line in shown.lines if shown.call_id else ():
            yield Quote(shown.call_id, line.text[:LONGEST_QUOTE])


def _changed(conversation: Conversation, pattern: str) -> str:
    lines = [quote.text for quote in _quotes(conversation, HISTORY)]
    # Of the two revisions the newer one is told last.
    found = [match[1] for line in lines if pattern and (match := re.search(pattern, line))]
    return found[-1] if found else "which one, the roll-outs do not say"


def _fault(component: str, cause: str, *, quote: Quote) -> dict[str, object]:
    return {
        "verdict": "fault",
        "summary": f"{LABEL} {component} is what broke. {cause}",
        "root_cause": f"{LABEL} {component}: {cause}",
        "component": component,
        "code_location": None,
        "evidence": [{"call_id": quote.call_id, "quote": quote.text}],
        "ruled_out": [],
        "gaps": [],
        "fix": None,
        "confidence": "medium",
    }
