"""A record becomes a card: what Slack shows while an investigation runs, and for each outcome.

Everything a card says is in the record. Only verified quotes are shown as evidence; what nobody
checked is called unverified. Slack's parsing plays no part (`services.notifier.blocks`).
"""

from collections.abc import Iterator
from datetime import datetime

from bus.events import Diagnosis, Evidence, Outcome
from bus.record import Record
from services.notifier.blocks import (
    Block,
    Card,
    bold,
    bullets,
    code,
    cut,
    escaped,
    fitted,
    header,
    link,
    one_line,
    paragraph,
    plain,
    quoted,
    small,
    stop_button,
)

EVIDENCE_SHOWN = 4
LISTED = 6
FALLBACK_CHARACTERS = 400
BESIDE = "Slack does not let us edit the earlier message of this incident; this one holds."
CONCLUDED = {
    "deadline": "Concluded before it was done, because the deadline was near.",
    "recovered": "Concluded early, because the alarm recovered.",
    "going in circles": "Concluded early, because the model went in circles.",
}
NOT_DIAGNOSED: dict[Outcome, str] = {
    "inconclusive": "No conclusion",
    "timed_out": "Timed out",
    "out_of_budget": "Out of budget",
    "cancelled": "Cancelled",
    "recovered": "Recovered",
    "failed": "Failed",
}


def subject(record: Record) -> str:
    """What the incident is about, in one line."""
    return one_line(f"{record.incident.service}: {record.incident.summary}", 300)


def live_card(record: Record, activity: str = "") -> Card:
    """The message of a running investigation, with its Stop button."""
    done = [f"turn {record.turn}", tool_calls(record), cost(record.spend.cost_usd)]
    done += [_model(record)] if record.model else []
    doing = one_line(activity, 500) or ("concluding" if record.concluding else "reading the alarm")
    blocks = [
        header(f"{record.incident.severity}: investigating {record.incident.service}"),
        paragraph(plain(cut(record.incident.summary, 1000) or record.incident.service)),
        paragraph(bold("Now: "), plain(doing)),
        *_alarms(record),
        small(" · ".join([*done, record.investigation_id])),
        stop_button(record.investigation_id),
    ]
    return Card(escaped(f"investigating {subject(record)}", FALLBACK_CHARACTERS), tuple(blocks))


def final_card(
    record: Record, *, trace_url: str = "", activity: str = "", last_words: str = ""
) -> Card:
    """The card of an ended record; `activity` and `last_words` are the last known of the work."""
    diagnosis = record.diagnosis
    foot = [small(facts(record))]
    if trace_url:
        foot.append(paragraph(link("Trace", trace_url)))
    head = [
        header(f"{record.incident.severity}: {component(record)}"),
        small(subject(record)),
        _sentence(record),
    ]
    if diagnosis is not None:
        body = [*_limits(record), *_findings(diagnosis), *_alarms(record)]
    else:
        body = [*_alarms(record), *_found(record, activity=activity, last_words=last_words)]
    fallback = f"{component(record)}: {title(record)}. {sentence(record)}"
    return Card(
        escaped(one_line(fallback, FALLBACK_CHARACTERS), FALLBACK_CHARACTERS),
        fitted([*head, *body, *foot], keep_last=len(foot)),
    )


def plain_card(record: Record) -> Card:
    """The final card without blocks, for where the full one could not be written."""
    said = f"{component(record)}: {title(record)}. {sentence(record)}\n{facts(record)}"
    return Card(escaped(said, 3000))


def beside(card: Card) -> Card:
    """The card with a line that says why an older message of the incident still stands."""
    if not card.blocks:
        return Card(f"{card.text}\n{BESIDE}")
    return Card(card.text, fitted([*card.blocks[:1], small(BESIDE), *card.blocks[1:]], keep_last=2))


def title(record: Record) -> str:
    """The outcome in two or three words."""
    if record.diagnosis is not None and record.outcome == "diagnosed":
        if record.diagnosis.verdict == "healthy":
            return "No fault found"
        doubted = " (doubted)" if "root_cause" in record.diagnosis.unverified else ""
        return f"Root cause{doubted}"
    return NOT_DIAGNOSED.get(record.outcome or "failed", "Ended")


def sentence(record: Record) -> str:
    """What the outcome means, in a sentence or two."""
    diagnosis, reason = record.diagnosis, record.reason.strip()
    if record.outcome == "diagnosed" and diagnosis is not None:
        return diagnosis.root_cause or diagnosis.summary
    if record.outcome == "timed_out":
        given = duration(record.opened_at, record.deadline_at)
        return f"There was no diagnosis within {given}."
    if record.outcome == "out_of_budget":
        limit = reason or record.concluding or "not named"
        return f"A limit ended it before there was a diagnosis: {limit}"
    if record.outcome == "failed":
        return f"The investigation could not go on: {reason or 'no reason was recorded'}"
    otherwise: dict[str | None, str] = {
        "cancelled": "It was stopped by a person.",
        "recovered": "The alarm went back to OK, and the policy is to stop then.",
    }
    return reason or otherwise.get(record.outcome, "The cause was not found.")


def component(record: Record) -> str:
    """The component found at fault, where it was seen, else the service of the incident."""
    diagnosis = record.diagnosis
    found = diagnosis.component if diagnosis and "component" not in diagnosis.unverified else ""
    return one_line(found or record.incident.service, 100)


def facts(record: Record) -> str:
    """Duration, turns, tool calls, tokens, dollars, model and id, in one line."""
    spend = record.spend
    tokens_in = spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens
    parts = [
        duration(record.opened_at, record.ended_at or record.opened_at),
        counted(turns(record), "turn"),
        tool_calls(record),
        f"{tokens_in:,} tokens in ({spend.cache_read_tokens:,} cached)",
        f"{spend.output_tokens:,} tokens out",
        cost(spend.cost_usd),
        _model(record),
        record.investigation_id,
    ]
    return " · ".join(part for part in parts if part)


def turns(record: Record) -> int:
    """Turns whose reply came in; one that was cut off by the end is none."""
    return min(record.turn, record.spend.model_calls)


def tool_calls(record: Record) -> str:
    """How many tool calls the model asked for."""
    return counted(len(record.calls), "tool call")


def cost(dollars: float | None) -> str:
    """Dollars, to a hundredth of a cent while they are few."""
    if dollars is None:
        return "cost unknown"
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def duration(start: datetime, end: datetime) -> str:
    """Time between two moments, for a person."""
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _model(record: Record) -> str:
    name = record.model or (record.diagnosis.model if record.diagnosis else "")
    if name.startswith("scripted"):
        return f"scripted answers, no model ({name})"
    return f"model {name}" if name else "no model answered"


def _sentence(record: Record) -> Block:
    ends = [plain(cut(sentence(record), 1500))]
    return paragraph(bold(f"{title(record)}: "), *ends)


def _limits(record: Record) -> Iterator[Block]:
    if why := record.concluding:
        yield small(CONCLUDED.get(why, f"Concluded before it was done; limit reached: {why}"))
    if look := record.notes.get("second look"):
        yield small(f"Second look by another call: {look}")


def _findings(diagnosis: Diagnosis) -> Iterator[Block]:
    unverified = "" if diagnosis.verdict != "unknown" else " (unverified)"
    unsure = diagnosis.unverified
    if diagnosis.summary and diagnosis.summary != diagnosis.root_cause:
        yield paragraph(bold(f"Summary{unverified}: "), plain(cut(diagnosis.summary, 1000)))
    if diagnosis.verdict == "unknown" and diagnosis.root_cause:
        yield paragraph(bold("Suspected (unverified): "), plain(cut(diagnosis.root_cause, 1000)))
    yield from _where(diagnosis)
    yield from _evidence(diagnosis.evidence)
    if diagnosis.fix is not None:
        title = "Proposal, not checked against the file" if "fix" in unsure else "Proposed fix"
        label = [bold(f"{title}: "), plain(cut(diagnosis.fix.summary, 800) or "see the diff")]
        yield quoted(label, cut(diagnosis.fix.diff, 2500))
    yield paragraph(bold("Confidence: "), plain(diagnosis.confidence))
    if diagnosis.ruled_out:
        causes = [
            f"{one_line(out.cause, 120)}: {one_line(out.reason, 180)}"
            for out in diagnosis.ruled_out
        ]
        yield bullets("Ruled out", _first(causes))
    if diagnosis.gaps:
        gaps = [
            one_line(gap.what, 180)
            + (f" (would need: {one_line(gap.permission, 120)})" if gap.permission else "")
            for gap in diagnosis.gaps
        ]
        yield bullets("Could not be seen", _first(gaps))


def _where(diagnosis: Diagnosis) -> Iterator[Block]:
    if "component" in diagnosis.unverified:
        yield paragraph(bold("Component (unverified): "), plain(one_line(diagnosis.component, 90)))
    if (place := diagnosis.code_location) is not None:
        line = f":{place.line}" if place.line else ""
        function = f" in {one_line(place.function, 150)}" if place.function else ""
        unread = " (unverified, not read)" if "code_location" in diagnosis.unverified else ""
        where = [code(one_line(place.path, 250) + line), plain(function)]
        yield paragraph(bold(f"Where{unread}: "), *where)


def _evidence(evidence: tuple[Evidence, ...]) -> Iterator[Block]:
    verified = [quote for quote in evidence if quote.verified]
    for quote in verified[:EVIDENCE_SHOWN]:
        place = f"tool call {one_line(quote.tool_call_id, 60)}"
        place += f" · {one_line(quote.tool, 80)}" if quote.tool else ""
        place += f" · line {quote.first_line}" if quote.first_line else ""
        yield quoted([bold("Evidence "), plain(place)], cut(quote.quote, 600))
    missing = []
    if (more := len(verified) - EVIDENCE_SHOWN) > 0:
        missing.append(f"{counted(more, 'more verified quote')} not shown")
    if failed := len(evidence) - len(verified):
        are = "is" if failed == 1 else "are"
        missing.append(f"{counted(failed, 'quote')} could not be verified and {are} not shown")
    if missing:
        yield small("; ".join(missing))


def _alarms(record: Record) -> Iterator[Block]:
    unseen = record.updates[record.updates_shown :] if record.state == "ended" else ()
    seen = record.updates[: len(record.updates) - len(unseen)]
    if seen:
        yield bullets("While it ran", _first([one_line(update.text, 250) for update in seen]))
    if unseen:
        told = "Too late for the last turn, so not considered here"
        yield bullets(told, _first([one_line(update.text, 250) for update in unseen]))


def _found(record: Record, *, activity: str, last_words: str) -> Iterator[Block]:
    if activity:
        yield paragraph(bold("Last activity: "), plain(one_line(activity, 500)))
    calls = [
        f"{call.tool_call_id} {one_line(call.tool, 100)}: {_answer(call.state, call.sentence)}"
        for call in record.calls
    ]
    if calls:
        yield bullets("Tool calls so far", _first(calls[::-1], most=10, what="earlier calls"))
    else:
        yield paragraph(plain("No tool was called."))
    if last_words:
        yield quoted([bold("The model's last words (unverified)")], cut(last_words, 1500))


def _answer(state: str, said: str) -> str:
    answered = {"ok": "answered", "error": "no result", "open": "not answered"}[state]
    return one_line(f"{answered}: {said}" if said else answered, 200)


def _first(items: list[str], *, most: int = LISTED, what: str = "more") -> list[str]:
    rest = len(items) - most
    return [*items[:most], f"… {rest} {what}"] if rest > 0 else items
