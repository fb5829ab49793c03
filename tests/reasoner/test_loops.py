"""What is a circle, and what only looks like one."""

import pytest

from bus.record import Call, Record
from services.reasoner import loops
from services.reasoner.transcript import (
    Block,
    Message,
    marked,
    result_block,
    text_block,
    user_message,
)
from tests.bus.incidents import a_record

Asked = tuple[str, dict[str, object]]
POLL: Asked = ("k__list_pods", {"namespace": "boutique"})
LOG: Asked = ("k__get_logs", {"pod": "cart"})
HISTORY: Asked = ("g__list_commits", {})
LONG = "I will now look at the log of the cart service once more."


class Past:
    """An investigation up to its due turn, put together turn by turn."""

    def __init__(self) -> None:
        self.transcript: list[Message] = []
        self.calls: list[Call] = []
        self.answers: list[Block] = []
        self.turn = 1

    def said(
        self, *asked: Asked, words: str = "", answer: str = "3 pods", error: str = ""
    ) -> "Past":
        """One more turn; what is shown names its call, as `read_result` hints do."""
        uses: list[Block] = [
            {"type": "tool_use", "id": f"tu{self.turn}{k}", "name": name, "input": arguments}
            for k, (name, arguments) in enumerate(asked, start=1)
        ]
        blocks = [*([text_block(words)] if words else []), *uses]
        self.transcript += [self.message(), {"role": "assistant", "content": blocks}]
        self.answers = []
        for k, (name, _) in enumerate(asked, start=1):
            call_id = f"{self.turn}-{k}"
            values = {"tool_call_id": call_id, "tool_use_id": f"tu{self.turn}{k}", "tool": name}
            state = {"state": "error", "sentence": error} if error else {"state": "ok"}
            self.calls.append(Call.model_validate(values | state))
            view = marked(f"~ result {call_id}\n1| {answer}", call_id, nonce="secret")
            told = result_block(f"tu{self.turn}{k}", error or view, is_error=bool(error))
            self.answers.append(told)
        self.turn += 1
        return self

    def message(self) -> Message:
        """The due turn's message, with the answers to the calls of the turn before."""
        return user_message(self.answers or [text_block("…")])

    def record(self, **changes: object) -> Record:
        return a_record(turn=self.turn, calls=tuple(self.calls), **changes)

    def circle(self) -> str:
        return loops.circle_in(self.record(), [*self.transcript, self.message()])


def past(*turns: Asked) -> Past:
    made = Past()
    for asked in turns:
        made.said(asked)
    return made


def worked_through(turns: int) -> Past:
    """The same words with another call and another answer each turn."""
    made = Past()
    for number in range(turns):
        made.said(("k__get_logs", {"pod": f"p{number}"}), words=LONG, answer=f"{number} lines")
    return made


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (past(POLL, POLL, POLL), "the same calls and the same answers, 3 times in a row"),
        (
            past(LOG, POLL, LOG, POLL),
            "the same 2 sets of calls in turn and the same answers, 2 times in a row",
        ),
        (
            past(LOG, POLL, HISTORY, LOG, POLL, HISTORY),
            "the same 3 sets of calls in turn and the same answers, 2 times in a row",
        ),
        (
            past().said(POLL, LOG).said(LOG, POLL).said(POLL, LOG, LOG),
            "the same calls and the same answers, 3 times in a row",
        ),
        (
            past().said(LOG, error="boom").said(POLL, error="denied").said(HISTORY, error="down"),
            "no call got a result in 3 turns in a row",
        ),
        (
            past().said(LOG, words=LONG).said(POLL, words=f" {LONG}\n").said(words=LONG),
            "the same words in 3 turns in a row",
        ),
        (
            worked_through(6),
            "the same words in 6 turns in a row",
        ),
    ],
)
def test_a_circle_is_found_and_named(made: Past, found: str) -> None:
    assert made.circle() == found


def test_the_same_calls_are_a_circle_at_last_although_their_answers_change() -> None:
    polls, turns = Past(), Past()
    for number in range(5):
        assert polls.circle() == ""
        polls.said(POLL, answer=f"restarts: {number}")
    assert polls.circle() == "the same calls, 5 times in a row"
    for number in range(6):
        assert turns.circle() == ""
        turns.said(POLL if number % 2 else LOG, answer=f"restarts: {number}")
    assert turns.circle() == "the same 2 sets of calls in turn, 3 times in a row"


def pages() -> Past:
    made = past(LOG)
    for first in range(1, 600, 100):
        made.said(("read_result", {"call_id": "1-1", "first_line": first}))
    return made


@pytest.mark.parametrize(
    "made",
    [
        past(),
        past(POLL, POLL),
        past(POLL, LOG, POLL),
        past(POLL, LOG, POLL, HISTORY),
        past(POLL, POLL, LOG, POLL, POLL),
        pages(),
        past().said(POLL, answer="1 of 2").said(POLL, answer="1 of 2").said(POLL, answer="2 of 2"),
        past().said(LOG, error="boom").said(POLL, error="boom").said(HISTORY),
        past().said(LOG, POLL, error="boom").said(LOG, error="boom").said(POLL).said(POLL),
        past().said(LOG, words="Next.").said(POLL, words="Next.").said(HISTORY, words="Next."),
        past().said(LOG, words=LONG).said(POLL, words=LONG).said(HISTORY, words=f"{LONG} Why?"),
        worked_through(5),
        past().said().said().said(),
    ],
)
def test_an_honest_search_is_no_circle(made: Past) -> None:
    assert made.circle() == ""


def test_calls_over_the_limit_of_a_reply_are_no_failures() -> None:
    made = Past()
    for number in range(3):
        made.said((f"k__{number}", {}), error="not run: limit")
    assert made.circle() == ""


def test_a_nudge_is_read_as_it_was_noted() -> None:
    assert loops.nudged_in(a_record()) == (0, "")
    noted = a_record(notes=loops.nudge(4, "the same calls, 3 times in a row"))
    assert loops.nudged_in(noted) == (4, "the same calls, 3 times in a row")
