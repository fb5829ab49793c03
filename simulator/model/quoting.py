"""Finding quotes for a diagnosis in what was shown, and better ones for those that were refused."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.model.conversation import Conversation, Shown, ShownLine
from simulator.scenario import ScriptedEvidence

LONGEST_QUOTE = 500
LEAST_LIKENESS = 0.6
SUBMIT = "submit_diagnosis"


@dataclass(frozen=True)
class Quote:
    """Lines of one result, as they were shown."""

    call_id: str
    text: str


def find_quote(conversation: Conversation, wanted: ScriptedEvidence) -> Quote | None:
    """The first shown line that matches, with the lines that follow it; None when there is none."""
    pattern = re.compile(wanted.pattern)
    for shown in conversation.of(wanted.tool):
        for position, line in enumerate(shown.lines):
            if shown.call_id and pattern.search(line.text):
                following = shown.lines[position : position + 1 + wanted.more]
                return Quote(shown.call_id, _joined(following))
    return None


def refused_quotes(conversation: Conversation) -> set[Quote]:
    """The quotes of earlier submissions that came back; all of one that names none of them."""
    refused: set[Quote] = set()
    for shown in conversation.of(SUBMIT):
        if not shown.is_error:
            continue
        given = list(_given(shown))
        named = {quote for quote in given if _names(shown.text, quote)}
        refused |= named or set(given)
    return refused


def nearest_quote(conversation: Conversation, wrong: Quote, *, but_not: set[Quote]) -> Quote | None:
    """The shown line most like the first line of `wrong`, of the same call where there is one."""
    first = wrong.text.split("\n", 1)[0]
    same = [shown for shown in conversation.shown if shown.call_id == wrong.call_id]
    for results in (same, conversation.shown):
        candidates = {
            line.text: Quote(shown.call_id, line.text[:LONGEST_QUOTE])
            for shown in results
            for line in shown.lines
            if shown.call_id and line.text.strip()
        }
        near = difflib.get_close_matches(first, candidates, n=5, cutoff=LEAST_LIKENESS)
        fresh = [candidates[text] for text in near if candidates[text] not in but_not]
        if fresh:
            return fresh[0]
    return None


def _joined(lines: Iterable[ShownLine]) -> str:
    """Neighbouring lines as one quote, as many as a quote may hold."""
    quoted: list[ShownLine] = []
    for line in lines:
        length = sum(len(each.text) + 1 for each in quoted) + len(line.text)
        if quoted and (line.number != quoted[-1].number + 1 or length > LONGEST_QUOTE):
            break
        quoted.append(line)
    return "\n".join(line.text for line in quoted)[:LONGEST_QUOTE]


def _given(shown: Shown) -> Iterable[Quote]:
    evidence = shown.arguments.get("evidence")
    for item in evidence if isinstance(evidence, list) else []:
        if isinstance(item, dict):
            yield Quote(str(item.get("call_id", "")), str(item.get("quote", "")))


def _names(text: str, quote: Quote) -> bool:
    first = quote.text.split("\n", 1)[0].strip()
    return bool(first) and first in text
