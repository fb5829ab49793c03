"""The arguments of `submit_diagnosis`: the scenario's diagnosis, as far as it was seen."""

from dataclasses import dataclass

from simulator.model.conversation import Conversation
from simulator.model.quoting import Quote, find_quote, nearest_quote, refused_quotes
from simulator.scenario import Scenario, ScriptedDiagnosis, ScriptedEvidence

LABEL = "[scripted]"


@dataclass(frozen=True)
class _Seen:
    quotes: tuple[Quote, ...]
    gaps: tuple[dict[str, str], ...]


def diagnose(scenario: Scenario, conversation: Conversation) -> dict[str, object]:
    """The scenario's diagnosis with the quotes that were found; what was not found is a gap.

    With no quote at all nothing is claimed: the verdict is `unknown`.
    """
    script = scenario.script.diagnosis
    seen = _look_up(conversation, script.evidence)
    gaps = [dict(gap) for gap in script.gaps] + list(seen.gaps)
    if script.evidence and not seen.quotes:
        return _unknown(scenario.service, gaps)
    missing = len(script.evidence) - len(seen.quotes)
    return {
        "verdict": script.verdict,
        "summary": _labelled(script.summary),
        "root_cause": _labelled(script.root_cause),
        "component": script.component,
        "code_location": script.code_location,
        "evidence": [{"call_id": q.call_id, "quote": q.text} for q in seen.quotes],
        "ruled_out": _ruled_out(script),
        "gaps": _labelled_gaps(gaps),
        "fix": _fix(script),
        "confidence": script.confidence if not missing else "medium" if missing == 1 else "low",
    }


def undecided(conversation: Conversation) -> dict[str, object]:
    """The honest end of an investigation that no script was written for."""
    seen = ", ".join(sorted({f"`{shown.tool}`" for shown in conversation.shown})) or "nothing"
    gap = {
        "what": f"the cause: this model follows a script for another service and saw {seen} only",
        "permission": "a real model (ANTHROPIC_API_KEY)",
    }
    return _unknown("the service of this incident", [gap])


def _look_up(conversation: Conversation, wanted: tuple[ScriptedEvidence, ...]) -> _Seen:
    quotes: list[Quote] = []
    gaps: list[dict[str, str]] = []
    refused = refused_quotes(conversation)
    for each in wanted:
        quote = find_quote(conversation, each)
        if quote in refused:
            quote = nearest_quote(conversation, quote, but_not=refused | set(quotes))
        if quote is None:
            gaps.append(_gap(conversation, each))
        else:
            quotes.append(quote)
    return _Seen(tuple(quotes), tuple(gaps))


def _gap(conversation: Conversation, wanted: ScriptedEvidence) -> dict[str, str]:
    what = wanted.proves or f"a line that matches {wanted.pattern}"
    results = conversation.of(wanted.tool)
    failed = [shown.text.strip().splitlines() for shown in results if shown.is_error]
    if not results:
        reason = f"{wanted.tool} was not called"
    elif failed and failed[0]:
        reason = f"{wanted.tool} answered: {failed[0][0][:200]}"
    else:
        reason = f"no line that {wanted.tool} showed, or that may be quoted, says so"
    return {"what": f"{what} ({reason})", "permission": f"a full answer of {wanted.tool}"}


def _unknown(service: str, gaps: list[dict[str, str]]) -> dict[str, object]:
    return {
        "verdict": "unknown",
        "summary": _labelled(f"The cause of the incident on {service} could not be established."),
        "root_cause": _labelled("Not established: nothing that was shown proves a cause."),
        "component": service,
        "code_location": None,
        "evidence": [],
        "ruled_out": [],
        "gaps": _labelled_gaps(gaps),
        "fix": None,
        "confidence": "low",
    }


def _fix(script: ScriptedDiagnosis) -> dict[str, str] | None:
    if script.fix is None:
        return None
    return script.fix | {"summary": _labelled(script.fix.get("summary", "See the diff."))}


def _ruled_out(script: ScriptedDiagnosis) -> list[dict[str, str]]:
    return [each | {"reason": _labelled(each.get("reason", ""))} for each in script.ruled_out]


def _labelled_gaps(gaps: list[dict[str, str]]) -> list[dict[str, str]]:
    return [gap | {"what": _labelled(gap.get("what", ""))} for gap in gaps]


def _labelled(text: str) -> str:
    return f"{LABEL} {text}"
