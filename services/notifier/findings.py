"""What a diagnosis found, as parts of a card: only verified quotes are shown as evidence."""

from collections.abc import Iterator, Mapping

from bus.events import CodeLocation, Diagnosis, Evidence, Gap, ToolCallId
from services.notifier.blocks import (
    Block,
    Element,
    bold,
    bullets,
    code,
    paragraph,
    plain,
    quoted,
    small,
)
from services.notifier.calls_made import CallMade, revision_read
from services.notifier.cutting import cut, one_line
from services.notifier.facts import counted
from services.notifier.fitting import ALWAYS, Part
from services.notifier.links import Links
from services.notifier.next_steps import FIX_CHARACTERS

EVIDENCE_SHOWN = 4
LISTED = 6
NOT_SURE = {
    "root_cause": "the cause",
    "component": "the component",
    "code_location": "the place in the code",
    "evidence": "some quotes",
    "fix": "the fix",
    "verdict": "the verdict",
}


def findings(
    diagnosis: Diagnosis, links: Links, *, made: Mapping[ToolCallId, CallMade]
) -> Iterator[Part]:
    """Everything below the cause, in the order in which a person needs it."""
    yield Part("what is suspected", 1, tuple(_suspected(diagnosis)))
    yield Part("the summary", 4, tuple(_summary(diagnosis)))
    yield Part("the place in the code", 2, tuple(_where(diagnosis, links, made=made)))
    yield from _evidence(diagnosis.evidence, made=made)
    yield Part("the proposed fix", 2, tuple(_fix(diagnosis)))
    yield Part("what was ruled out", 6, tuple(_ruled_out(diagnosis)))
    yield Part("what could not be seen", 5, tuple(_gaps(diagnosis.gaps)))


def confidence(diagnosis: Diagnosis) -> Part:
    """How sure it is, and which parts could not be verified."""
    said = [plain(diagnosis.confidence), plain(doubts(diagnosis))]
    return Part("confidence", ALWAYS, (paragraph(bold("Confidence: "), *said),))


def doubts(diagnosis: Diagnosis) -> str:
    """Which parts could not be verified, behind a dot; empty where none is."""
    unsure = [NOT_SURE[part] for part in diagnosis.unverified]
    return f" · not verified: {', '.join(dict.fromkeys(unsure))}" if unsure else ""


def first(items: list[str], *, most: int = LISTED, what: str = "more") -> list[str]:
    """The first items, and how many there are beyond them."""
    rest = len(items) - most
    return [*items[:most], f"… {rest} {what}"] if rest > 0 else items


def _suspected(diagnosis: Diagnosis) -> Iterator[Block]:
    if diagnosis.verdict == "unknown" and diagnosis.root_cause:
        suspected = plain(one_line(diagnosis.root_cause, 1000))
        yield paragraph(bold("Suspected (unverified): "), suspected)


def _summary(diagnosis: Diagnosis) -> Iterator[Block]:
    if diagnosis.verdict == "unknown":
        if diagnosis.summary != diagnosis.root_cause:
            yield paragraph(
                bold("Summary (unverified): "), plain(one_line(diagnosis.summary, 1000))
            )
    elif diagnosis.verdict == "healthy" and diagnosis.summary:
        if diagnosis.root_cause.strip() and diagnosis.root_cause != diagnosis.summary:
            yield paragraph(bold("What set it off: "), plain(one_line(diagnosis.root_cause, 1000)))
    elif diagnosis.summary and diagnosis.root_cause not in ("", diagnosis.summary):
        yield paragraph(bold("Summary: "), plain(one_line(diagnosis.summary, 1000)))


def _where(
    diagnosis: Diagnosis, links: Links, *, made: Mapping[ToolCallId, CallMade]
) -> Iterator[Block]:
    if "component" in diagnosis.unverified:
        yield paragraph(bold("Component (unverified): "), plain(one_line(diagnosis.component, 90)))
    if (place := diagnosis.code_location) is None:
        return
    unread = "code_location" in diagnosis.unverified
    parts = [bold("Where (unverified, not read): " if unread else "Where: "), *_place(place)]
    revision = revision_read(diagnosis, made)
    if address := links.source(place.path, place.line, revision=revision):
        parts += [plain(" · "), links.element(f"source at {revision[:12]}", address)]
    yield paragraph(*parts)


def _place(place: CodeLocation) -> list[Element]:
    line = f":{place.line}" if place.line else ""
    function = f" in {one_line(place.function, 150)}" if place.function else ""
    return [code(one_line(place.path, 250) + line), plain(function)]


def _evidence(
    evidence: tuple[Evidence, ...], *, made: Mapping[ToolCallId, CallMade]
) -> Iterator[Part]:
    verified = [quote for quote in evidence if quote.verified]
    for number, quote in enumerate(verified[:EVIDENCE_SHOWN], start=1):
        label = [bold("Evidence "), plain(stands(quote, made.get(quote.tool_call_id)))]
        rank = 1 if number <= 2 else 3
        yield Part(f"evidence {number}", rank, (quoted(label, cut(quote.quote, 600)),))
    missing = []
    if (more := len(verified) - EVIDENCE_SHOWN) > 0:
        missing.append(f"{counted(more, 'more verified quote')} not shown")
    if failed := len(evidence) - len(verified):
        are = "is" if failed == 1 else "are"
        missing.append(f"{counted(failed, 'quote')} could not be verified and {are} not shown")
    if missing:
        yield Part("a note on the evidence", 1, (small("; ".join(missing)),))


def stands(quote: Evidence, call: CallMade | None) -> str:
    """Where a quote stands: in words first, then as the tool call, the tool and the line."""
    words = [call.words] if call and call.words else []
    if quote.tool_call_id.startswith("trigger:"):
        words = ["what came with the alarm"]
    place = [*words, f"tool call {one_line(quote.tool_call_id, 60)}"]
    place += [one_line(quote.tool, 80)] if quote.tool and quote.tool != "trigger" else []
    place += [f"line {quote.first_line}"] if quote.first_line else []
    return " · ".join(place)


def _fix(diagnosis: Diagnosis) -> Iterator[Block]:
    if (fix := diagnosis.fix) is not None:
        unsure = "fix" in diagnosis.unverified
        title = "Proposal, not checked against the file" if unsure else "Proposed fix"
        if diagnosis.verdict == "unknown":
            title = "Proposal for the suspected cause, not proven"
        elif diagnosis.verdict == "healthy":
            title = "Proposal, so that it does not come back"
        label = [bold(f"{title}: "), plain(one_line(fix.summary, 800) or "see the diff")]
        if diagnosis.verdict == "fault" and len(fix.summary) <= FIX_CHARACTERS:
            label = [bold(title)]  # the summary is a step of what to do next
        yield quoted(label, cut(fix.diff, 2500))


def _ruled_out(diagnosis: Diagnosis) -> Iterator[Block]:
    causes = [
        f"{one_line(out.cause, 120)}: {one_line(out.reason, 300)}" for out in diagnosis.ruled_out
    ]
    if causes:
        yield bullets("Ruled out", first(causes))


def _gaps(gaps: tuple[Gap, ...]) -> Iterator[Block]:
    if gaps:
        shown: list[list[Element]] = [_gap(gap) for gap in gaps[:LISTED]]
        rest = len(gaps) - LISTED
        yield bullets(
            "Could not be seen", [*shown, *([[plain(f"… {rest} more")]] if rest > 0 else [])]
        )


def _gap(gap: Gap) -> list[Element]:
    said = plain(one_line(gap.what, 180))
    if not gap.permission.strip():
        return [said]
    return [said, plain(" (would need: "), code(one_line(gap.permission, 120)), plain(")")]
