"""How the scripted model plays a case folder: it is told the answer, so it proves plumbing only."""

import re

from simulator.cases.cast import Cast
from simulator.cases.evidence import LIST, READ, SERVER
from simulator.cases.folder import Case
from simulator.model.conversation import Conversation
from simulator.model.diagnosis import LABEL, undecided
from simulator.model.quoting import find_quote
from simulator.model.script import Call, Reply, submission
from simulator.model.tempers import confidently_wrong, lazy, played
from simulator.scenario import ScriptedEvidence

MOST_READ = 3
LIST_TOOL, READ_TOOL = f"{SERVER}__{LIST}", f"{SERVER}__{READ}"


def case_reply(cast: Cast, conversation: Conversation) -> Reply:
    """List what there is, read what speaks most of the cause, then submit as the note says."""
    how = played(conversation.opening)
    case = cast.of_incident(how.incident) if how else None
    if how is None or case is None:
        return submission(undecided(conversation), conversation)
    if how.temper == "lazy":
        return submission(lazy(), conversation)
    calls = _calls(case, conversation)
    if calls:
        plan = ", ".join(call.tool for call in calls)
        return Reply(f"{LABEL} Next: {plan}.", f"{LABEL} I look at the recorded evidence.", calls)
    if how.temper == "wrong":
        wrong = confidently_wrong(
            conversation, case.expected.must_not_claim, component=case.opening.service
        )
        return submission(wrong, conversation)
    return submission(_right(case, conversation), conversation)


def _calls(case: Case, conversation: Conversation) -> tuple[Call, ...]:
    if conversation.told_to_conclude or READ_TOOL not in conversation.tools:
        return ()
    if conversation.replies_with_calls == 0:
        return (Call(LIST_TOOL, {}),)
    if conversation.replies_with_calls == 1:
        return tuple(Call(READ_TOOL, {"name": name}) for name in _telling(case))
    return ()


def _telling(case: Case) -> list[str]:
    """The files that hold most of the keywords."""
    words = [word.lower() for word in _words(case)]

    def told(name: str) -> int:
        text = case.evidence[name].lower()
        return sum(word in text for word in words)

    return sorted(case.evidence, key=told, reverse=True)[:MOST_READ]


def _right(case: Case, conversation: Conversation) -> dict[str, object]:
    expected = case.expected
    wanted = [ScriptedEvidence(tool=READ_TOOL, pattern=_any(word)) for word in _words(case)]
    wanted.append(ScriptedEvidence(tool=READ_TOOL, pattern=r"\S.{14,}\S"))
    quotes = [quote for each in wanted if (quote := find_quote(conversation, each))]
    told = "; ".join([*expected.root_cause_keywords, *expected.any_of_keywords[:1]])
    return {
        "verdict": expected.verdict,
        "summary": f"{LABEL} This script was told the answer. It speaks of: {told}.",
        "root_cause": f"{LABEL} {told}.",
        "component": expected.affected_component or case.opening.service,
        "evidence": [{"call_id": quote.call_id, "quote": quote.text} for quote in quotes[:2]],
        "ruled_out": [],
        "gaps": [],
        "confidence": "high",
    }


def _words(case: Case) -> tuple[str, ...]:
    return (*case.expected.root_cause_keywords, *case.expected.any_of_keywords)


def _any(word: str) -> str:
    return f"(?i){re.escape(word)}"
