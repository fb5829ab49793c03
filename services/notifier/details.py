"""What the thread of an incident's message says once the final card stands.

The evidence whole and with the lines around it, the timeline, the fix whole, what the card had to
leave out, and the results. Every quote here was verified; what nobody checked is called unverified.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bus.cleaning import clean
from bus.events import Evidence
from bus.record import Record
from services.notifier.blocks import Card
from services.notifier.cutting import cut
from services.notifier.facts import counted, sentence
from services.notifier.thread_parts import Detail, Part, cleaned
from services.notifier.timeline import Moments, timeline

LINES_AROUND = 3
LINE_CHARACTERS = 400
"""Of a line around a quote; the quote's own lines are whole."""
RESULTS = "What the tools returned, as the model saw it"
RESULTS_SHOWN = 6
RESULT_CHARACTERS = 60_000
_Message = Mapping[str, object]


@dataclass(frozen=True)
class Kept:
    """A stored result: the whole, and the view that the model had of it."""

    whole: str
    shown: str
    tool: str = ""
    ok: bool = True


@dataclass(frozen=True, kw_only=True)
class Known:
    """Everything that is known of an ended investigation, and the card that stands."""

    record: Record
    card: Card
    transcript: Iterable[_Message] = ()
    results: Mapping[str, Kept] = field(default_factory=dict)
    moments: Moments = field(default_factory=Moments)


def wanted(record: Record) -> list[str]:
    """The tool calls whose results the thread needs, the cited ones first."""
    found = record.diagnosis
    cited = [quote.tool_call_id for quote in found.evidence if quote.verified] if found else []
    unanswered = [call.tool_call_id for call in record.calls if call.state == "error"]
    answered = [call.tool_call_id for call in record.calls[::-1] if call.state == "ok"]
    shown = cited or answered[:RESULTS_SHOWN]
    return [*dict.fromkeys([*shown, *unanswered])]


def details(known: Known) -> list[Detail]:
    """Every detail that has something to say, in the order in which the thread has them."""
    rest = tuple(_rest(known))
    title = "What the card had no room for, and the timeline" if rest else "Timeline"
    found = [
        Detail("evidence", "Evidence, with the lines around it", tuple(_evidence(known))),
        Detail("found", "What the model said on its way (unverified)", tuple(_found(known))),
        Detail("fix", "The fix, whole", tuple(_fix(known)), ending="diff"),
        Detail("timeline", title, (*rest, *_timeline(known))),
        Detail("results", RESULTS, tuple(_results(known)), is_file=True),
    ]
    return [cleaned(detail) for detail in found if detail.parts]


def _evidence(known: Known) -> Iterator[Part]:
    verified = [quote for quote in _quotes(known.record) if quote.verified]
    for near in _together(verified):
        yield _quoted(near, known.results.get(near[0].tool_call_id))


def _together(quotes: Iterable[Evidence]) -> Iterator[list[Evidence]]:
    """The quotes in their order; those whose lines around overlap in one list."""
    near: list[Evidence] = []
    for quote in quotes:
        if near and not _is_near(near[-1], quote):
            yield near
            near = []
        near.append(quote)
    if near:
        yield near


def _is_near(quote: Evidence, other: Evidence) -> bool:
    if quote.tool_call_id != other.tool_call_id or not (quote.first_line and other.first_line):
        return False
    first, second = sorted((quote, other), key=lambda one: one.first_line or 0)
    return (second.first_line or 0) - max(_lines(first)) <= 2 * LINES_AROUND


def _lines(quote: Evidence) -> range:
    first = quote.first_line or 0
    return range(first, first + quote.quote.count("\n") + 1)


def _quoted(quotes: list[Evidence], kept: Kept | None) -> Part:
    """Quotes of one result that stand near each other, with the lines around."""
    call, tool, words = quotes[0].tool_call_id, quotes[0].tool, [q.quote for q in quotes]
    label = f"Tool call {call}" + (f" · {tool}" if tool else "")
    marked = {number for quote in quotes for number in _lines(quote)}
    if 0 in marked:
        return Part(label, "\n".join(words))
    said = f"line {min(marked)}" if len(marked) == 1 else f"lines {min(marked)} to {max(marked)}"
    lines = kept.whole.split("\n") if kept else []
    if max(marked) > len(lines):
        return Part(f"{label} · {said}", "\n".join(words))
    return Part(f"{label} · {said} of {len(lines):,}, marked with >", _excerpt(lines, marked))


def _excerpt(lines: list[str], marked: set[int]) -> str:
    """Those lines with some around them, numbered; cleaned before anything is put between them."""
    begin = max(1, min(marked) - LINES_AROUND)
    around = lines[begin - 1 : max(marked) + LINES_AROUND]
    shown = [
        line if number in marked else cut(line, LINE_CHARACTERS)
        for number, line in enumerate(around, start=begin)
    ]
    text = clean("\n".join(shown))
    if text.count("\n") + 1 != len(shown):
        return text  # a secret of several lines was in it: no number would be right
    return "\n".join(
        f"{'>' if number in marked else ' '} {number}| {line}"
        for number, line in enumerate(text.split("\n"), start=begin)
    )


def _found(known: Known) -> Iterator[Part]:
    if known.record.diagnosis is not None:
        return
    said = (one for one in known.transcript if one.get("role") == "assistant")
    for turn, one in enumerate(said, start=1):
        if words := "\n".join(_words(one.get("content"))):
            yield Part(f"Turn {turn}", words)


def _words(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == "text" and block.get("text"):
            yield str(block["text"])


def _fix(known: Known) -> Iterator[Part]:
    found = known.record.diagnosis
    fix = found.fix if found else None
    if found is None or fix is None or not fix.diff or _is_said(known.card, fix.diff):
        return
    checked = "Proposed" if "fix" not in found.unverified else "Proposal, not checked"
    yield Part(f"{checked}: {fix.summary or 'see the diff'}", fix.diff)


def _rest(known: Known) -> Iterator[Part]:
    for label, texts in _everything(known.record):
        missing = [text for text in texts if not all(_is_said(known.card, part) for part in text)]
        if missing:
            yield Part(label, "\n".join(": ".join(filter(None, text)) for text in missing))
    failed = [q for q in _quotes(known.record) if not q.verified]
    if failed:
        said = "\n".join(
            f"{q.tool_call_id}: {q.problem or 'it does not stand there'}" for q in failed
        )
        number = counted(len(failed), "quote")
        yield Part(f"{number} could not be verified, and so no evidence", said)


def _everything(record: Record) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """What a card may have to cut, and the timeline has not; of each text, its parts."""
    found = record.diagnosis
    if found is None or sentence(record) not in (found.root_cause, found.summary):
        yield "Outcome", [(sentence(record),)]
    if found is not None:
        doubted = " (unverified)" if found.verdict == "unknown" else ""
        yield f"Summary{doubted}", [(found.summary,)]
        yield f"Root cause{doubted}", [(found.root_cause,)]
        yield "Proposed fix", [(found.fix.summary,)] if found.fix else []
        yield "Ruled out", [(out.cause, out.reason) for out in found.ruled_out]


def _timeline(known: Known) -> Iterator[Part]:
    answers = {name: kept.shown for name, kept in known.results.items() if not kept.ok}
    arguments = dict(_arguments(known.transcript))
    return timeline(known.record, arguments=arguments, answers=answers, moments=known.moments)


def _arguments(transcript: Iterable[_Message]) -> Iterator[tuple[str, str]]:
    for one in transcript:
        content = one.get("content")
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict) and block.get("type") == "tool_use":
                given = json.dumps(block.get("input") or {}, ensure_ascii=False)
                yield str(block.get("id")), given if given != "{}" else ""


def _results(known: Known) -> Iterator[Part]:
    for name in wanted(known.record):
        kept = known.results.get(name)
        if kept is not None and kept.ok:
            label = f"Tool call {name}" + (f" · {kept.tool}" if kept.tool else "")
            yield Part(label, cut(kept.shown, RESULT_CHARACTERS))


def _quotes(record: Record) -> tuple[Evidence, ...]:
    return record.diagnosis.evidence if record.diagnosis else ()


def _is_said(card: Card, text: str) -> bool:
    """Whether the card shows the text whole, however its lines are broken."""
    return _plain(text) in _plain(" ".join(_texts(card.blocks)))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        if isinstance(own := value.get("text"), str):
            yield own
        yield from _texts(list(value.values()))
