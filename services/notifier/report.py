"""A record becomes a card: what Slack shows while an investigation runs, and for each outcome.

Everything a card says is in the record or the transcript. What nobody checked is called unverified.
Slack's parsing plays no part (`services.notifier.blocks`). In order: what happened, how sure that
is, what to do next, and why we believe it (`findings`) or what was found so far (`so_far`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from bus.events import ToolCallId
from bus.record import Record
from services.notifier.blocks import (
    Block,
    Card,
    bold,
    bullets,
    escaped,
    feedback_buttons,
    header,
    paragraph,
    plain,
    small,
    stop_button,
    with_line,
)
from services.notifier.calls_made import CallMade
from services.notifier.cutting import cut, first_sentence, one_line
from services.notifier.facts import (
    component,
    cost,
    duration,
    facts,
    headline,
    model,
    sentence,
    subject,
    title,
    tool_calls,
)
from services.notifier.findings import confidence, findings
from services.notifier.fitting import ALWAYS, Part, fitted
from services.notifier.links import Links
from services.notifier.next_steps import next_steps
from services.notifier.plain_cards import NO_CALLS, NO_LINKS, fits, plain_card
from services.notifier.so_far import alarms, calls, so_far
from services.notifier.unmarked import unmarked

FALLBACK_CHARACTERS = 400
CAUSE_CHARACTERS = 700
DETAIL_CHARACTERS = 1200
PLAIN_CHARACTERS = (3000, 2000, 1300, 750, 420)
AGAIN = "The earlier message of this incident was deleted; this one stands in its place."
BESIDE = "Slack does not let us edit the earlier message of this incident; this one holds."
CONCLUDED = {
    "deadline": "Concluded before it was done, because the deadline was near.",
    "recovered": "Concluded early, because the alarm recovered.",
    "going in circles": "Concluded early, because the model went in circles.",
}


def live_card(record: Record, activity: str = "", *, now: datetime | None = None) -> Card:
    """The message of a running investigation, with its Stop button; `now` for the time so far."""
    spent = f"{cost(record.spend.cost_usd)} so far"
    done = [*_elapsed(record, now), f"turn {record.turn}", tool_calls(record), spent]
    done += [model(record)] if record.model else []
    doing = one_line(activity, 500) or ("concluding" if record.concluding else "reading the alarm")
    head = (
        header(
            f"{record.incident.severity}: investigating {one_line(record.incident.service, 100)}"
        ),
        paragraph(
            plain(one_line(record.incident.summary, 1000) or one_line(record.incident.service, 100))
        ),
        paragraph(bold("Now: "), plain(doing)),
    )
    foot = (
        small(" · ".join([*done, record.investigation_id])),
        stop_button(record.investigation_id),
    )
    parts = [Part("head", ALWAYS, head), *alarms(record), Part("foot", ALWAYS, foot)]
    said = f"investigating {subject(record)}"
    # Where Slack refuses the blocks, whatever is wrong with them: the button to stop it stays.
    text = _fallback(said)
    few = small(f"{said} · now: {doing}"), stop_button(record.investigation_id)
    return Card(text, fitted(parts), Card(text, few, Card(text)))


def final_card(
    record: Record,
    *,
    links: Links = NO_LINKS,
    activity: str = "",
    last_words: str = "",
    made: Mapping[ToolCallId, CallMade] = NO_CALLS,
) -> Card:
    """The card of an ended record.

    `activity` and `last_words` are the last known of the work, `made` what its calls asked for.
    """
    diagnosis = record.diagnosis
    runbook = links.runbooks.get(record.incident.service, "")
    if diagnosis is not None:
        body = [*findings(diagnosis, links, made=made), *alarms(record)]
        body += [calls(record, made=made)] if diagnosis.verdict == "unknown" else []
    else:
        found = so_far(record, activity=activity, last_words=last_words, made=made)
        body = [*found, *alarms(record)]
    parts = [*_head(record), _next(record, runbook=bool(runbook)), *body]
    said = _fallback(f"{component(record)}: {title(record)}. {sentence(record)}")
    blocks = fitted([*parts, _foot(record, links, runbook=runbook)])
    return Card(said, blocks, plain_card(record, links=links, made=made))


def notice_card(text: str) -> Card:
    """A sentence for a person, letter by letter."""
    said = _fitting_text(text)
    blocks = (paragraph(plain(cut(text, PLAIN_CHARACTERS[0]))),)
    return Card(said, blocks, Card(said))


def beside(card: Card) -> Card:
    """The card with a line that says why an older message of the incident still stands."""
    return with_line(card, BESIDE)


def again(card: Card) -> Card:
    """The card with a line that says why no older message of the incident stands."""
    return with_line(card, AGAIN)


def _head(record: Record) -> Iterator[Part]:
    severity, name = record.incident.severity, component(record)
    top = (header(f"{severity}: {name} · {headline(record)}"), small(subject(record)))
    yield Part("head", ALWAYS, top)
    cause, detail = first_sentence(sentence(record))
    said = paragraph(bold(f"{title(record)}: "), plain(cut(cause, CAUSE_CHARACTERS)))
    yield Part("the cause", ALWAYS, (said,))
    if detail:
        more = paragraph(plain(one_line(detail, DETAIL_CHARACTERS)))
        yield Part("more about the cause", 4, (more,))
    if record.diagnosis is not None and record.outcome == "diagnosed":
        yield confidence(record.diagnosis)
    yield Part("how it concluded", 2, tuple(_limits(record)))


def _limits(record: Record) -> Iterator[Block]:
    if record.diagnosis is None:
        return
    if why := record.concluding:
        early = f"Concluded before it was done; limit reached: {one_line(why, 100)}"
        yield small(CONCLUDED.get(why, early))
    if look := record.notes.get("second look"):
        yield small(f"Second look by another call: {one_line(look, 500)}")


def _next(record: Record, *, runbook: bool) -> Part:
    steps = next_steps(record, runbook=runbook)
    return Part("next steps", ALWAYS, (bullets("What to do next", steps, style="ordered"),))


def _foot(record: Record, links: Links, *, runbook: str) -> Part:
    blocks = [small(facts(record))]
    trace = links.trace(record)
    known = [links.element("Trace", trace)] if trace else []
    if runbook:
        service = one_line(record.incident.service, 100)
        known += [plain(" · ")] if known else []
        known += [links.element(f"Runbook of {service}", runbook)]
    if known:
        blocks.append(paragraph(*known))
    return Part("foot", ALWAYS, (*blocks, feedback_buttons(record.investigation_id)))


def _elapsed(record: Record, now: datetime | None) -> list[str]:
    if now is None:
        return []
    at_most = duration(record.opened_at, record.deadline_at)
    return [f"{duration(record.opened_at, now)} of at most {at_most}"]


def _fallback(text: str) -> str:
    """The text of a card with blocks: where these are not shown, as in a notification."""
    return escaped(unmarked(text, FALLBACK_CHARACTERS), 2 * FALLBACK_CHARACTERS)


def _fitting_text(text: str) -> str:
    """The text on one line, escaped, within what Slack takes for a text alone."""
    shown = [escaped(unmarked(text, most), most) for most in PLAIN_CHARACTERS]
    return next(filter(fits, shown), shown[-1])
