"""Finding quotes for a diagnosis in what was shown, and better ones for those that were refused."""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.model.conversation import Conversation, Shown, ShownLine
from simulator.scenario import ScriptedEvidence

LONGEST_QUOTE = 500
LEAST_LIKENESS = 0.6
SUBMIT = "submit_diagnosis"
_NAMED = re.compile(r"^\W*([0-9]+-[0-9]+|trigger:\S+?): ")
_OTHER_PART = re.compile(r"^(?:component|code location|fix|verdict): ", re.MULTILINE)
_NUMBERED = re.compile(r"^ *\d+\| ?(.*)$")


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
    """The quotes of earlier submissions that came back.

    All of one whose answer names no quote, unless that speaks of another part of it.
    """
    refused: set[Quote] = set()
    for shown in conversation.of(SUBMIT):
        if not shown.is_error:
            continue
        given = list(_given(shown))
        named = {quote for quote in given if _names(shown.text, quote)}
        refused |= named or (set() if _OTHER_PART.search(shown.text) else set(given))
    return refused


def nearest_quote(conversation: Conversation, wrong: Quote, *, but_not: set[Quote]) -> Quote | None:
    """The line most like the first one of `wrong`.

    The lines that a refusal offered come first, then those that the same call showed, then all.
    """
    first = wrong.text.split("\n", 1)[0]
    everything = list(_lines(conversation))
    same = [quote for quote in everything if quote.call_id == wrong.call_id]
    for quotes in (list(_offered(conversation)), same, everything):
        candidates = {quote.text: quote for quote in quotes if quote not in but_not}
        near = difflib.get_close_matches(first, candidates, n=1, cutoff=LEAST_LIKENESS)
        if near:
            return candidates[near[0]]
    return None


def _lines(conversation: Conversation) -> Iterator[Quote]:
    for shown in conversation.shown:
        for line in shown.lines:
            if shown.call_id and line.text.strip():
                yield Quote(shown.call_id, line.text[:LONGEST_QUOTE])


def _offered(conversation: Conversation) -> Iterator[Quote]:
    """The numbered lines of refusals, each below the sentence that names its result."""
    for shown in conversation.of(SUBMIT):
        call_id = ""
        for line in shown.text.split("\n") if shown.is_error else []:
            named, numbered = _NAMED.match(line), _NUMBERED.match(line)
            if numbered and call_id:
                yield Quote(call_id, numbered[1])
            elif named:
                call_id = named[1]


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
    if first and first in text:
        return True
    return any(
        (named := _NAMED.match(line)) and named[1] == quote.call_id for line in text.split("\n")
    )
