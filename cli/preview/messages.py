"""Messages as the notifier would send them, and what Slack would refuse of one.

The refusals are the simulator's, asked in its own process: a post, and the same as an edit.
"""

from collections.abc import Iterator

from bus.record import Record
from cli.preview.looks import Part, parts, word
from cli.preview.samples import Sample
from services.notifier.blocks import Card
from services.notifier.calls_made import calls_made
from services.notifier.message import cleaned, cleaned_text
from services.notifier.report import final_card, live_card
from services.notifier.stop import last_words
from simulator.slack.block_kit import MAX_BLOCK_CHARACTERS, MAX_BLOCKS, block_characters
from simulator.slack.calls import Call, Refused
from simulator.slack.posting import post_message, update_message
from simulator.slack.store import SlackStandIn

CHANNEL = "C0PREVIEW"


def message_of(sample: Sample) -> dict[str, object]:
    """The message that the notifier would write now; its texts are redacted as there."""
    record, activity = cleaned(sample.record), cleaned_text(sample.activity)
    if record.state != "ended":
        return as_sent(live_card(record, activity, now=sample.now))
    card = final_card(
        record,
        links=sample.links,
        activity=activity,
        last_words=cleaned_text(last_words(list(sample.transcript))),
        made=calls_made(record, sample.transcript),
    )
    return as_sent(card)


def as_sent(card: Card) -> dict[str, object]:
    """The card as arguments of chat.postMessage."""
    return {"text": card.text, "blocks": list(card.blocks)}


def time_of(record: Record) -> str:
    """When its message was placed, for the line beside the bot's name."""
    return f"{record.opened_at:%H:%M}"


def refusals(message: Part) -> list[str]:
    """What Slack would answer to a post of it and to an edit, a line for each thing wrong."""
    return list(dict.fromkeys(_refusals(message)))


def measures(message: Part) -> str:
    """How much of what Slack allows the message takes."""
    blocks = message.get("blocks")
    if not isinstance(blocks, list):
        return f"{len(word(message, 'text')):,} characters, no blocks"
    characters = block_characters(parts(message, "blocks"))
    return (
        f"{len(blocks)} of {MAX_BLOCKS} blocks,"
        f" {characters:,} of about {MAX_BLOCK_CHARACTERS:,} characters"
    )


def _refusals(message: Part) -> Iterator[str]:
    world = SlackStandIn({CHANNEL: "preview"})
    asked = {"channel": CHANNEL, "text": message.get("text"), "blocks": message.get("blocks")}
    for method, write in (("chat.postMessage", post_message), ("chat.update", update_message)):
        posted = world.messages[-1].ts if world.messages else ""
        if method == "chat.update" and not posted:
            return
        try:
            write(world, Call(method, asked | {"ts": posted}))
        except Refused as refused:
            for finding in refused.findings or (method,):
                yield f"{refused.error}: {finding}"
