"""The final card as text alone, for where the full one, or its blocks, could not be written.

Slack reads marks in such a text. So every line begins with words of ours, what others said stands
on that one line, and its marks are none (`unmarked`).
"""

from collections.abc import Iterator, Mapping
from html import escape

from bus.events import Evidence, ToolCallId
from bus.record import Record
from services.notifier.blocks import Card
from services.notifier.calls_made import CallMade
from services.notifier.facts import component, facts, headline, sentence, subject, title
from services.notifier.findings import doubts, first, stands
from services.notifier.links import Links, host_of
from services.notifier.next_steps import next_steps
from services.notifier.unmarked import unmarked

MAX_TEXT_BYTES = 3_650
"""Of a card's text, counted as if it were escaped twice: Slack takes 4,000 where it is edited.

Two lines may be added (`beside`, `routing.moved`)."""
CHARACTERS = (600, 300, 150, 80, 40)
"""Of each text in it; the first that fits."""
QUOTES, DIFF_LINES = 2, 12
NO_LINKS = Links()
NO_CALLS: Mapping[ToolCallId, CallMade] = {}


def plain_card(
    record: Record, *, links: Links = NO_LINKS, made: Mapping[ToolCallId, CallMade] = NO_CALLS
) -> Card:
    """What happened, how sure that is, what to do next, two quotes, the trace and the facts."""
    lines: list[str] = []
    for most in CHARACTERS:
        lines = list(_lines(record, links, made=made, most=most))
        if fits("\n".join(lines)):
            break
    while not fits("\n".join(lines)):
        del lines[-2]  # the facts stay
    return Card("\n".join(lines))


def fits(text: str) -> bool:
    """Whether Slack takes that text, which is escaped, in an edit too."""
    return len(escape(text, quote=False).encode()) <= MAX_TEXT_BYTES


def _lines(
    record: Record, links: Links, *, made: Mapping[ToolCallId, CallMade], most: int
) -> Iterator[str]:
    def line(label: str, text: str) -> str:
        return label + _escaped(unmarked(text, most))

    runbook = links.runbooks.get(record.incident.service, "")
    yield line(f"{record.incident.severity}: ", f"{component(record)} · {headline(record)}")
    yield line("Incident: ", subject(record))
    yield line(f"{title(record)}: ", sentence(record))
    if record.diagnosis is not None and record.outcome == "diagnosed":
        yield f"Confidence: {record.diagnosis.confidence}{doubts(record.diagnosis)}"
    yield "What to do next:"
    for number, step in enumerate(next_steps(record, runbook=bool(runbook)), start=1):
        yield line(f"{number}. ", step)
    for quote in _verified(record)[:QUOTES]:
        place = _escaped(unmarked(stands(quote, made.get(quote.tool_call_id)), most))
        yield line(f"Evidence ({place}): ", quote.quote)
    for row in _diff(record):
        yield line("| ", row)
    if trace := links.trace(record):
        yield _link("Trace", trace, links=links)
    if runbook:
        yield _link("Runbook", runbook, links=links)
    yield f"Not shown here: nightshift show {record.investigation_id}"
    yield line("Facts: ", facts(record))


def _verified(record: Record) -> list[Evidence]:
    found = record.diagnosis
    return [quote for quote in found.evidence if quote.verified] if found is not None else []


def _diff(record: Record) -> list[str]:
    """The lines of the fix, as many as there is room for."""
    fix = record.diagnosis.fix if record.diagnosis is not None else None
    rows = fix.diff.splitlines() if fix is not None else []
    return first(rows, most=DIFF_LINES, what="lines")


def _link(label: str, address: str, *, links: Links) -> str:
    """A link that names its host where that is listed, else the address as words."""
    host = host_of(address)
    if host and host in links.hosts:
        return f"<{_escaped(address)}|{label} ({host})>"
    return f"{label}: {_escaped(unmarked(address, 300))}"


def _escaped(text: str) -> str:
    return escape(text, quote=False)
