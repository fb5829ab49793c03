"""The calls of a reply: which go out, which are answered here, and whether one is the end."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bus.events import Diagnosis, Gap, ToolCallId, ToolCallRequested
from bus.record import Call, Record
from services.reasoner.budget import NOT_RUN
from services.reasoner.diagnosis import SUBMIT, Checked, checked, submission
from services.reasoner.sources import Known, Source
from services.reasoner.transcript import Reply, ToolUse
from services.reasoner.turn import Request

CUT_OFF = "not accepted: your reply was cut off at its length limit; submit it again, shorter"
SUBMISSIONS = 3
"""Submissions of one reply that are looked at."""
Findings = Mapping[int, Checked | str]
"""What was found about each submission of a reply, by its place among the calls."""
_VERBS = {
    "get": "reading",
    "read": "reading",
    "list": "listing",
    "describe": "looking at",
    "search": "searching",
    "query": "querying",
    "filter": "searching",
}


@dataclass(frozen=True)
class SentBack:
    """Why a submitted diagnosis is not accepted; `mends` when it is for what could be checked."""

    sentence: str
    mends: bool


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The calls of one reply in the order of the model, and what each leads to."""

    calls: tuple[Call, ...]
    """Open ones may go out; the others have their sentence."""
    requests: tuple[ToolCallRequested, ...]
    accepted: Diagnosis | None
    """The diagnosis that ends the investigation."""
    mends: bool = False
    """What failed is sent back; that happens once."""

    @property
    def activity(self) -> str:
        """What goes out, for a person."""
        return "; ".join(activity_of(request.tool) for request in self.requests)

    def refused(self, sentence: str) -> "Asked":
        """All of them answered by that sentence, but a diagnosis, which has one of its own."""
        calls = tuple(
            call if call.tool == SUBMIT else _refused(call, sentence) for call in self.calls
        )
        return replace(self, calls=calls, requests=())

    def within(self, left: int) -> "Asked":
        """So many go out, those that were asked for first; the rest is not run."""
        going = {request.tool_call_id for request in self.requests[: max(0, left)]}
        calls = tuple(
            _refused(call, NOT_RUN)
            if call.state == "open" and call.tool_call_id not in going
            else call
            for call in self.calls
        )
        requests = tuple(request for request in self.requests if request.tool_call_id in going)
        return replace(self, calls=calls, requests=requests)


def findings(reply: Reply, sources: Mapping[str, Source], *, known: Known) -> Findings:
    """Every submission of a reply, checked; a sentence where its form is wrong."""
    found: dict[int, Checked | str] = {}
    for k, use in enumerate(reply.tool_uses, start=1):
        if use.name == SUBMIT and len(found) < SUBMISSIONS:
            given = submission(use.arguments)
            found[k] = (
                given
                if isinstance(given, str)
                else checked(given, sources, model=reply.model, known=known)
            )
    return found


def read(record: Record, *, request: Request, reply: Reply, found: Findings) -> Asked:
    """What a reply asks for. The first acceptable `submit_diagnosis` is the end of it."""
    calls, requests = [], []
    mends = False
    may_mend = not (record.mended or request.concludes)
    # The last call of a reply that was cut off is half of one. At the very end that is all we get.
    last_chance = request.concludes and record.refused_once
    is_cut = reply.stop_reason == "max_tokens" and not last_chance
    cut = len(reply.tool_uses) if is_cut else 0
    for k, use in enumerate(reply.tool_uses, start=1):
        call_id = ToolCallId(f"{request.turn}-{k}")
        call = Call(tool_call_id=call_id, tool_use_id=use.tool_use_id, tool=use.name[:200])
        if use.name == SUBMIT:
            given = CUT_OFF if k == cut else found.get(k, NOT_RUN)
            ends = _submitted(given, may_mend=may_mend)
            if isinstance(ends, Diagnosis):
                return Asked(calls=(), requests=(), accepted=ends)
            mends = mends or ends.mends
            calls.append(_refused(call, ends.sentence))
            continue
        sentence = _problem(use)
        calls.append(_refused(call, sentence) if sentence else call)
        if not sentence:
            requests.append(_request(record, use, call_id=call_id, turn=request.turn))
    return Asked(calls=tuple(calls), requests=tuple(requests), accepted=None, mends=mends)


def activity_of(tool: str) -> str:
    """A tool call in words, such as `reading logs: kubernetes__get_logs`."""
    verb, _, rest = tool.rpartition("__")[2].partition("_")
    doing = " ".join(part for part in (_VERBS.get(verb, verb), rest.replace("_", " ")) if part)
    return f"{doing}: {tool}"


def our_gap(what: str) -> Gap:
    """A gap that the model cannot know of."""
    return Gap(what=what)


def _submitted(found: Checked | str, *, may_mend: bool) -> Diagnosis | SentBack:
    """The diagnosis when it is acceptable, else what the model is told about it."""
    if isinstance(found, str):
        return SentBack(found, mends=False)
    if not (found.problems and may_mend):
        return found.diagnosis
    told = "\n\n".join(found.problems)
    return SentBack(
        f"not accepted yet: this cannot be verified.\n\n{told}\n\n"
        "Correct or drop it and submit again; what fails then is marked as unverified.",
        mends=True,
    )


def _problem(use: ToolUse) -> str:
    """Why a call cannot go out.

    One of a tool that nobody offers does: the toolrunner refuses it, so that its audit says so.
    """
    if use.arguments is None:
        return "refused: the arguments must be a JSON object"
    return ""


def _request(record: Record, use: ToolUse, *, call_id: ToolCallId, turn: int) -> ToolCallRequested:
    return ToolCallRequested(
        investigation_id=record.investigation_id,
        tool_call_id=call_id,
        turn=turn,
        tool=use.name.encode("ascii", "backslashreplace").decode()[:200],
        arguments=use.arguments or {},
    )


def _refused(call: Call, sentence: str) -> Call:
    return call.model_copy(update={"state": "error", "sentence": sentence})
