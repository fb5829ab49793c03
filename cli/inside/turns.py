"""The turns of `show`: what the model saw and said, and its calls' results, condensed and whole."""

import json
from collections.abc import Mapping

from pydantic import JsonValue

from cli.inside.rows import dollars
from cli.inside.story import CallSeen, Story, TurnSeen
from cli.inside.terminal import Page, cut
from services.reasoner.diagnosis import SUBMIT

FIRST_LINES = 4
"""Of a text, where all turns are shown."""
WHOLE_LINES = 20
"""Of a whole result, unless it is asked for."""


def all_turns(page: Page, story: Story, *, whole: bool) -> None:
    """Every turn in short; with `whole` every text in full."""
    for turn in story.turns:
        _turn(page, turn, story=story, most=0 if whole else FIRST_LINES, whole=whole)
    if story.state != "ended":
        page.words(_going_on(story), indent=0)
    elif story.turns and not whole:
        page.console.print()
        page.words("--turn N: one turn in full; --whole: whole results too", indent=0)


def one_turn(page: Page, story: Story, *, number: int, whole: bool) -> None:
    """One turn, with all that the model read in it."""
    turn = next(turn for turn in story.turns if turn.turn == number)
    earlier = [before for before in story.turns if before.turn < number]
    page.heading(f"TURN {number}: WHAT THE MODEL HAD READ BEFORE")
    page.words(
        f"its instructions, the tools of catalogue {story.catalogue[:12] or '(none)'}"
        + (f", and turns 1 to {number - 1}:" if earlier else ".")
    )
    for before in earlier:
        page.words(f"turn {before.turn}: {_in_short(before)}", indent=4, hang=2)
    _turn(page, turn, story=story, most=0, whole=whole)


def _turn(page: Page, turn: TurnSeen, *, story: Story, most: int, whole: bool) -> None:
    page.heading(f"TURN {turn.turn}{_paid(turn, story)}")
    page.words("the model saw:", style="cyan")
    for block in turn.saw:
        _block(page, block, story=story, most=most)
    page.words("the model said:", style="cyan")
    for block in turn.said:
        if block.get("type") != "tool_use":
            _block(page, block, story=story, most=most)
    for block in turn.said:
        if block.get("type") == "tool_use":
            _called(page, block, turn=turn, story=story, most=most)
    if most:
        return
    for call in turn.calls:
        _results(page, call, whole=whole)


def _paid(turn: TurnSeen, story: Story) -> str:
    if turn.cost is None:
        return ""
    after = (turn.cost.at - story.opened_at).total_seconds()
    return f"  +{after:.2f} s  {dollars(turn.cost.cost_usd)}  {turn.cost.model}"


def _block(page: Page, block: Mapping[str, JsonValue], *, story: Story, most: int) -> None:
    kind = block.get("type")
    if kind == "thinking" and not _text_of(block).strip():
        page.words("thinking, of which no text was sent", indent=4)
        return
    if kind == "tool_result":
        call = _call_of(str(block.get("tool_use_id")), story)
        failed = ", an error" if block.get("is_error") else ""
        page.words(f"result of {_named(call)}{failed}:", indent=4)
    elif kind == "thinking":
        page.words("thinking:", indent=4)
    left = page.verbatim(_text_of(block), indent=6 if kind != "text" else 4, most=most)
    if left:
        page.words(f"({left:,} more lines)", indent=6)


def _called(
    page: Page, block: Mapping[str, JsonValue], *, turn: TurnSeen, story: Story, most: int
) -> None:
    call = _call_of(str(block.get("id")), story)
    arguments = json.dumps(block.get("input"), ensure_ascii=False)
    if call is None:
        verdict = "accepted" if block.get("name") == SUBMIT else "not run: the diagnosis ended it"
        page.words(f"called {block.get('name')}: {verdict}", indent=4)
        page.verbatim(arguments if not most else cut(arguments, 2 * page.width), indent=6)
        return
    page.words(f"called {_named(call)}: {_became(call)}", indent=4, hang=2)
    page.verbatim(arguments if not most else cut(arguments, 2 * page.width), indent=6)


def _results(page: Page, call: CallSeen, *, whole: bool) -> None:
    """The two results of a call of this turn: the model reads the condensed one in the next."""
    if call.sentence and not call.shown:
        page.words(f"result of {_named(call)}, ours:", style="cyan")
        page.verbatim(call.sentence)
        return
    page.words(f"result of {_named(call)}, condensed, as the model is given it:", style="cyan")
    page.verbatim(call.shown or "(none yet)")
    size = f"{call.whole_lines:,} lines, {call.whole_bytes:,} bytes"
    page.words(f"result of {_named(call)}, whole: {size}", style="cyan")
    if not call.whole:
        return
    left = page.verbatim(call.whole, most=0 if whole else WHOLE_LINES)
    if left:
        page.words(f"({left:,} more lines: --whole)", indent=4)


def _became(call: CallSeen) -> str:
    if call.decision:
        size = f", {call.whole_lines:,} lines stored" if call.whole_lines else ""
        secrets = f", {call.redactions} secrets replaced" if call.redactions else ""
        return f"{call.decision}, {call.outcome}{size}{secrets}"
    return cut(call.answered, 200) or {"open": "waiting for its result"}.get(call.state, call.state)


def _in_short(turn: TurnSeen) -> str:
    size = sum(len(_text_of(block)) for block in turn.saw)
    calls = ", ".join(_named(call) for call in turn.calls) or "no calls"
    return f"{size:,} characters to read; then it called {calls}"


def _going_on(story: Story) -> str:
    return f"turn {story.turn} goes on: it is kept once the model has replied"


def _call_of(tool_use_id: str, story: Story) -> CallSeen | None:
    for turn in story.turns:
        uses = [block for block in turn.said if block.get("type") == "tool_use"]
        for k, block in enumerate(uses, start=1):
            if block.get("id") == tool_use_id:
                return story.call(f"{turn.turn}-{k}")
    return None


def _named(call: CallSeen | None) -> str:
    return f"{call.tool_call_id} {call.tool}" if call else "a call"


def _text_of(block: Mapping[str, JsonValue]) -> str:
    for name in ("text", "thinking", "content"):
        if name in block:
            found = block[name]
            return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return f"({block.get('type')})"
