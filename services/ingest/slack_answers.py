"""What a person in Slack is told: one sentence, for that person only. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.ingest.slack_reading import (
    REASON,
    REASON_BLOCK,
    SEND_PRAISE,
    SEND_REASON,
    Pressed,
)
from services.ingest.trigger import Decision

NOT_NOW = "Nightshift cannot take this at the moment. Try again in a minute."
TOO_MANY = "That were too many requests within a minute. Nothing was done; try again in a minute."
NOT_YET = (
    "Nightshift could not write this down yet. You are told here when it is; if you hear nothing"
    " within a minute, try again."
)
LONGEST_REASON = 1000
_QUESTIONS = {
    "useful": "Thank you, that is noted. What helped? You need not say.",
    "not useful": "Noted. What was wrong with it?",
}

Block = dict[str, object]


@dataclass(frozen=True)
class Answer:
    """The sentence, and the blocks where it also asks something back."""

    text: str
    refused: bool = False
    blocks: Sequence[Block] = ()
    durable: bool = True
    """Whether what was written for it is on disk already; else it is two seconds later."""


def refused(sentence: str) -> Answer:
    """Nothing was done, and that is why."""
    return Answer(_plain(sentence), refused=True)


def asked(decision: Decision, service: str) -> Answer:
    """What became of a request for a diagnosis."""
    of, name = f"`{decision.incident_id}`" if decision.incident_id else "it", _plain(service)
    why = _plain(decision.reason).rstrip(".")
    sentences = {
        "opened": f"Nightshift investigates {name} as {of}; its message appears in a moment.",
        "joined": f"Your request was added to {of}, which is about {name} already: {why}.",
        "duplicate": f"This was asked already and is {of}; nothing new was opened.",
        "repeated": f"{name} was investigated a short while ago as {of}; nothing new was opened."
        " \U0001f44e under that answer lets it be looked at again.",
        "held": f"Your request about {name} waits for its turn: {why}.",
        "folded": f"Your request about {name} is listed in {of}: {why}.",
    }
    return _told(decision, sentences)


def says_taken(text: str) -> bool:
    """Whether an answer to a request says that it was taken, for who has no more than its text."""
    return text.startswith(("Nightshift investigates ", "Your request ", "This was asked ")) or (
        "; nothing new was opened." in text
    )


def pressed(press: Pressed, decision: Decision) -> Answer:
    """What became of a press; a judgement without a reason is asked for one."""
    of, why = f"`{press.investigation_id}`", _plain(decision.reason).rstrip(".")
    if decision.outcome in ("ignored", "rejected"):
        return Answer(f"Nothing was changed: {why}.", refused=True)
    again = decision.outcome == "duplicate"
    if press.press == "stop":
        return Answer(f"{of} is stopped.")
    if press.reason:
        return Answer("You said so already." if again else "Thank you, your reason is noted.")
    said = "You said so already; you may add a reason." if again else _QUESTIONS[press.press]
    return Answer(said, blocks=_reason_form(press))


def _told(decision: Decision, sentences: dict[str, str]) -> Answer:
    nothing = f"Nothing was started: {_plain(decision.reason).rstrip('.')}."
    sentence = sentences.get(decision.outcome, nothing)
    is_refused = decision.outcome not in sentences
    return Answer(sentence, refused=is_refused, durable=decision.durable)


def _reason_form(press: Pressed) -> list[Block]:
    """A field and a button in a message that only this person sees.

    A dialog (`views.open`) would need the bot token, which ingest must not have.
    """
    named, send = press.investigation_id, SEND_PRAISE if press.press == "useful" else SEND_REASON
    field: Block = {
        "type": "plain_text_input",
        "action_id": REASON,
        "multiline": True,
        "max_length": LONGEST_REASON,
    }
    return [
        {
            "type": "input",
            "block_id": REASON_BLOCK + named,
            "optional": True,
            "label": {"type": "plain_text", "text": _QUESTIONS[press.press]},
            "element": field,
        },
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": send,
                    "value": named,
                    "text": {"type": "plain_text", "text": "Send the reason"},
                }
            ],
        },
    ]


def _plain(text: str) -> str:
    """Letter by letter: no mention, no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
