"""The pages of `show`: head, diagnosis, evidence, triggers, decisions, cost, timeline."""

from rich.table import Table

from bus.events import Evidence
from cli.inside.rows import dollars
from cli.inside.story import CallSeen, Story, TurnSeen
from cli.inside.terminal import Page, cut
from cli.inside.triggers import Triggers
from services.reasoner.diagnosis import SUBMIT

QUOTE_LINES = 12
TRIGGERS_SHOWN = 10


def head(page: Page, story: Story) -> None:
    """Which incident, how it stands, for how much, and where else to look."""
    page.words(f"{story.incident}  {story.service}", indent=0, style="bold")
    page.verbatim(story.summary, indent=0, most=5)
    words = [
        f"{story.doing} {'after' if story.ended_at else 'for'} {story.elapsed_seconds:.1f} s",
        f"{len(story.turns)} turn{'' if len(story.turns) == 1 else 's'}",
        f"{sum(len(turn.calls) for turn in story.turns)} tool calls",
        dollars(story.spend.cost_usd),
        story.model,
    ]
    page.words(" · ".join(word for word in words if word), indent=0)
    slack = " ".join(story.slack.get(name, "") for name in ("channel", "ts", "state")).strip()
    facts = {
        "reason": story.reason,
        "opened": f"{story.opened_at:%Y-%m-%d %H:%M:%S} UTC, {story.trigger}, {story.severity}",
        "deadline": f"{story.deadline_at:%Y-%m-%d %H:%M:%S} UTC",
        "alarm": story.alarm,
        "note": story.note,
        "slack": slack or "no message yet",
        "prompt": story.prompt,
        "trace": story.trace_id,
    }
    for name, text in facts.items():
        if text:
            page.words(f"{name:<9} {text}", hang=10)


def diagnosis(page: Page, story: Story) -> None:
    """What was concluded, in the model's words."""
    page.heading("DIAGNOSIS (the model's words)")
    found = story.diagnosis
    if found is None:
        page.words("none" if story.ended_at else "none yet")
        return
    page.words(f"verdict {found.verdict}, confidence {found.confidence}")
    if found.unverified:
        page.words(f"unverified: {', '.join(part.replace('_', ' ') for part in found.unverified)}")
    place = found.code_location
    where = f"{place.path}:{place.line or '?'} {place.function or ''}" if place else ""
    facts = {
        "summary": found.summary,
        "root cause": found.root_cause,
        "component": found.component,
        "where": where,
        "fix": "\n".join(part for part in (found.fix.summary, found.fix.diff) if part)
        if found.fix
        else "",
    }
    for name, text in facts.items():
        if text:
            page.words(f"{name}:")
            page.verbatim(text)
    for ruled_out in found.ruled_out:
        page.words("ruled out:")
        page.verbatim(f"{ruled_out.cause}: {ruled_out.reason}")
    for gap in found.gaps:
        page.words("could not be seen:")
        page.verbatim(f"{gap.what}; permission: {gap.permission or 'none named'}")


def evidence(page: Page, story: Story) -> None:
    """Every quote with its check."""
    page.heading("EVIDENCE (each quote checked byte for byte)")
    for quote in story.evidence:
        _quote(page, quote, story=story)
    if not story.evidence:
        page.words("no quotes")
    for turn in story.turns:
        for call in turn.calls:
            if call.tool == SUBMIT:
                page.words(f"turn {turn.turn}: a diagnosis was sent back to the model:")
                page.verbatim(call.sentence)
                _dropped(page, call, story=story)


def _quote(page: Page, quote: Evidence, *, story: Story) -> None:
    call = story.call(quote.tool_call_id)
    source = f"{quote.tool_call_id} {quote.tool or (call.tool if call else '')}".strip()
    if quote.verified:
        page.words(f"verified  {source}, line {quote.first_line}", hang=10, style="green")
    else:
        page.words(f"REFUSED   {source}", hang=10, style="red")
    left = page.verbatim(quote.quote, most=QUOTE_LINES)
    if left:
        page.words(f"({left} more lines)", indent=4)
    if not quote.verified:
        page.words("why:", indent=4)
        page.verbatim(quote.problem or "not recorded (by an older release)", indent=6)


def _dropped(page: Page, call: CallSeen, *, story: Story) -> None:
    """The quotes of a diagnosis that was sent back which the one that stands has no more."""
    kept = {quote.quote for quote in story.evidence}
    given = call.arguments.get("evidence") if isinstance(call.arguments, dict) else None
    for quote in given if isinstance(given, list) else []:
        if isinstance(quote, dict) and str(quote.get("quote")).strip("\n") not in kept:
            page.words(f"quoted in it from {quote.get('call_id')}, and no more:", indent=4)
            page.verbatim(str(quote.get("quote")), indent=6, most=QUOTE_LINES)


def decisions(page: Page, story: Story) -> None:
    """What was decided about calls, and about the investigation as a whole."""
    page.heading("DECISIONS")
    if not any(turn.calls for turn in story.turns):
        page.words("no calls were judged")
    for turn in story.turns:
        for call in turn.calls:
            what = f"{call.decision}, {call.outcome}" if call.decision else call.answered
            rule = f" ({call.rule})" if call.rule else ""
            still = "" if what else "waiting for its result"
            text = f"{call.tool_call_id} {call.tool}: {what}{rule}{still}"
            page.words(cut(text, 3 * page.width), hang=4)
    if story.nudged:
        page.words(f"the model was told that it goes in circles, {story.nudged}", hang=4)
    if story.concluding:
        page.words(f"the investigation had to conclude: {story.concluding}")
    for update in story.updates:
        page.words(cut(f"meanwhile {update}", 3 * page.width), hang=4)
    if story.outcome:
        page.words(f"outcome {story.outcome}{': ' if story.reason else ''}{story.reason}", hang=4)


def triggers(page: Page, story: Story) -> None:
    """What ingest decided about each alarm of it, and why; nothing where none came that way."""
    decided(page, story.triggers)


def decided(page: Page, found: Triggers) -> None:
    """The same, also for what nobody has taken up."""
    if not found.counts:
        return
    page.heading("TRIGGERS")
    for what, number in sorted(found.counts.items()):
        page.words(f"{number:>6}  {what}", hang=10)
    for each in found.last[:TRIGGERS_SHOWN]:
        many = f" ({each.count} alarms)" if each.count > 1 else ""
        text = f"{each.at:%Y-%m-%d %H:%M:%S} UTC  {each.alarm}: {each.outcome}, {each.reason}{many}"
        page.words(cut(text, 3 * page.width), hang=4)
    left = len(found.last) - TRIGGERS_SHOWN
    if left > 0:
        page.words(f"(the {left} before these: --json)")


def feedback(page: Page, story: Story) -> None:
    """What people said of it; nothing where nobody did."""
    if not story.feedback:
        return
    page.heading("FEEDBACK")
    for said in story.feedback:
        verdict = "useful" if said.useful else "not useful"
        page.words(f"{said.at:%Y-%m-%d %H:%M:%S} UTC, {said.person or 'nobody named'}: {verdict}")
        if said.reason:
            page.verbatim(said.reason)


def cost(page: Page, story: Story) -> None:
    """Where the money went, turn by turn."""
    page.heading("COST")
    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    drawn.add_column("  TURN", justify="right")
    for name in ("INPUT", "CACHED", "TO CACHE", "OUTPUT", "DOLLARS", "SHARE"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for turn in story.turns:
        drawn.add_row(*_cost_cells(turn, story.spend.cost_usd))
    total = story.spend
    tokens = (total.input_tokens, total.cache_read_tokens, total.cache_write_tokens)
    cells = [f"{count:,}" for count in (*tokens, total.output_tokens)]
    drawn.add_row("all", *cells, dollars(total.cost_usd), "", style="bold")
    page.show(drawn)
    for number, usd in sorted(story.never_settled_usd.items()):
        goes_on = story.state != "ended" and number == str(story.turn)
        why = "the call under way" if goes_on else "calls whose replies were not kept"
        page.words(f"turn {number}: {dollars(usd)} reserved in the day's budget for {why}")
    dearest = max(story.turns, key=lambda turn: _usd(turn), default=None)
    if dearest and _usd(dearest):
        page.words(f"turn {dearest.turn} cost most: --turn {dearest.turn} shows what it read")


def timeline(page: Page, story: Story) -> None:
    """What happened when."""
    page.heading("TIMELINE (seconds since it was opened)")
    for moment in story.timeline:
        what = cut(moment.what, 2 * page.width)
        page.words(f"{moment.after_seconds:+8.2f}  {what}", hang=10)


def _cost_cells(turn: TurnSeen, total: float | None) -> list[str]:
    if turn.cost is None:
        return [str(turn.turn), *["?"] * 4, "not noted", ""]
    usage, usd = turn.cost.usage, turn.cost.cost_usd
    tokens = (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
    share = f"{100 * usd / total:.0f}%" if usd and total else ""
    cells = [f"{count:,}" for count in (*tokens, usage.output_tokens)]
    return [str(turn.turn), *cells, dollars(usd), share]


def _usd(turn: TurnSeen) -> float:
    return (turn.cost.cost_usd or 0.0) if turn.cost else 0.0
