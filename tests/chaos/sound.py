"""Evidence of a run as it should go, and what may be changed in it, for tests of the checker."""

from collections.abc import Callable
from dataclasses import replace

from bus.events import InvestigationId, ToolCallAudited, ToolCallId
from services.toolrunner.audit import entry_sha256
from tests.chaos.checker import check
from tests.chaos.evidence import Asked, Entry, Evidence, Fault, Message, Version
from tests.chaos.rules import Rules

INC = "inc-1"
BEGAN = 1_000_000.0
RULES = Rules(deadline_seconds=60, still_seconds=20)
LIVE, FINAL = "investigating cartservice: HTTP 500", "cartservice: Root cause. It throws."
THREAD = ("evidence", "timeline")
Doctor = Callable[[Evidence], Evidence]


def entry(after: float, stream: str, event: str, **values: object) -> Entry:
    """An entry about the one incident."""
    name = "incident_id" if stream == "incidents" else "investigation_id"
    return Entry(BEGAN + after, stream, event, {name: INC, **values})


def model(after: float, messages: int, *, status: int = 200, **shown: str) -> Asked:
    """A model call of one second."""
    at = BEGAN + after
    facts = {"concludes": False, "shown": {f"1-{k[-1]}": text for k, text in shown.items()}}
    path = "POST /v1/messages"
    asked = Asked(at, at + 1, "model", path, status, INC, str(messages), facts)
    return replace(asked, sender="reasoner-1", left_at=at - 0.01)


def tool(after: float, call: str) -> Asked:
    """A request that a tool call led to."""
    at = BEGAN + after
    asked = Asked(at, at, "kubernetes", f"GET /deployments/case-1-{call}", 200, INC, call)
    return replace(asked, sender="toolrunner-1", left_at=at - 0.02)


def killed(after: float, replica: str) -> Fault:
    """A replica was killed."""
    at, service = BEGAN + after, replica.partition("-")[0]
    return Fault(at, at, service, f"{replica} killed", replica=replica)


def frozen(after: float, until: float, replica: str, *holding: str) -> Fault:
    """A replica was frozen for a while, and what it held then."""
    fault = killed(after, replica)
    what = f"{replica} frozen"
    return replace(fault, until=BEGAN + until, what=what, holding=frozenset(holding))


def struck(*faults: Fault) -> Doctor:
    """The evidence with those faults in place of the one."""
    return lambda seen: replace(seen, faults=faults)


def card(*said: tuple[float, str, str], thread: tuple[str, ...] = ()) -> Message:
    """A message with its versions, and with a thread."""
    versions = tuple(Version(BEGAN + after, says, text) for after, says, text in said)
    return Message(INC, f"{versions[0].at}", versions, thread)


def audits(
    *outcomes: tuple[float, str, str], tool: str = "kubernetes__list_pods"
) -> tuple[Entry, ...]:
    """Audit entries of one life of one replica, properly chained."""
    chain: list[ToolCallAudited] = []
    entries = []
    for number, (after, call, outcome) in enumerate(outcomes, start=1):
        audited = ToolCallAudited.model_validate(
            {
                "investigation_id": InvestigationId(INC),
                "tool_call_id": ToolCallId(call),
                "tool": tool,
                "decision": "allow",
                "reason": "allow-list",
                "arguments_sha256": "0" * 64,
                "outcome": outcome,
                "replica": "toolrunner-1/life",
                "number": number,
                "previous_sha256": entry_sha256(chain[-1]) if chain else "",
            }
        )
        chain.append(audited)
        entries.append(entry(after, "audit", "ToolCallAudited", **audited.model_dump(mode="json")))
    return tuple(entries)


def sound() -> Evidence:
    """One incident of two turns and two calls, as it should go; a kill explains one repeat."""
    entries = (
        entry(0, "incidents", "IncidentOpened", service="cartservice", summary="500, case-1"),
        entry(0.1, "turns", "TurnDue", turn=1),
        *(requested(4, "1-1"), requested(4, "1-2")),
        entry(5, "tool-results", "ToolCallFinished", tool_call_id="1-1", ok=True),
        entry(6, "tool-results", "ToolCallFinished", tool_call_id="1-2", ok=True),
        *audits((5, "1-1", "executed"), (6, "1-2", "executed")),
        entry(6, "turns", "TurnDue", turn=2),
        entry(8, "diagnoses", "DiagnosisReached", outcome="diagnosed"),
        entry(9, "stops", "InvestigationStopped", outcome="diagnosed"),
    )
    asked = (
        replace(model(0.2, 1), sender="reasoner-2"),
        *(model(3, 1), tool(4.5, "1-1"), tool(5.5, "1-2")),
        model(6.5, 3, shown_1="aa", shown_2="bb"),
    )
    said = (0.2, "progress", LIVE), (4, "progress", LIVE), (8.9, "diagnosed", FINAL)
    return Evidence(
        entries=entries,
        asked=asked,
        messages=(card(*said, thread=THREAD),),
        faults=(killed(0.9, "reasoner-2"),),
        sent=("case-1",),
        published=(INC,),
    )


def requested(after: float, call: str) -> Entry:
    """A tool call that the stand-in will know again."""
    facts = {"tool_call_id": call, "turn": int(call[0]), "arguments": {"name": f"case-1-{call}"}}
    return entry(after, "tool-calls", "ToolCallRequested", **facts)


def without(event: str) -> Doctor:
    """The evidence without the entries of that kind."""
    return lambda seen: replace(
        seen, entries=tuple(one for one in seen.entries if one.event != event)
    )


def more(*entries: Entry) -> Doctor:
    """The evidence with more entries."""
    return lambda seen: replace(seen, entries=(*seen.entries, *entries))


def asking(*asked: Asked) -> Doctor:
    """The evidence with more requests."""
    return lambda seen: replace(seen, asked=(*seen.asked, *asked))


def third(*asked: Asked) -> Doctor:
    """The evidence with a third turn, which was due and of which those requests are."""
    due = more(entry(7, "turns", "TurnDue", turn=3))
    return lambda seen: asking(*asked)(due(seen))


def changing(event: str, call: str = "", **values: object) -> Doctor:
    """The evidence with other values in the entries of that kind, of that call where it is named.

    Audit entries are none of these: they are chained.
    """
    return lambda seen: replace(
        seen,
        entries=tuple(
            replace(one, values={**one.values, **values})
            if one.event == event and call in ("", one.call)
            else one
            for one in seen.entries
        ),
    )


def audited(*outcomes: tuple[float, str, str]) -> Doctor:
    """The evidence with those audit entries in place of its own."""
    return lambda seen: more(*audits(*outcomes))(without("ToolCallAudited")(seen))


def saying(*messages: Message, thread: tuple[str, ...] = THREAD) -> Doctor:
    """The evidence with those messages in place of the one, the first of them with that thread."""
    said = tuple(replace(one, details=() if at else thread) for at, one in enumerate(messages))
    return lambda seen: replace(seen, messages=said)


def at(event: str, after: float) -> Doctor:
    """The evidence with the entries of that kind at another time."""
    return lambda seen: replace(
        seen,
        entries=tuple(
            replace(one, at=BEGAN + after) if one.event == event else one for one in seen.entries
        ),
    )


def found(evidence: Evidence, rules: Rules = RULES) -> list[str]:
    """The kinds of its violations."""
    return [violation.kind for violation in check(evidence, rules)]


def called_late(seen: Evidence) -> Evidence:
    """A woken owner makes its call again after another replica has told the result."""
    return replace(
        seen,
        asked=(*seen.asked, tool(5.4, "1-1")),
        faults=(*seen.faults, frozen(4.6, 5.3, "toolrunner-1", f"{INC} 1-1")),
    )
