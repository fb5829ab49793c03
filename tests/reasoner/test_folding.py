"""Before the context fills, what was said is told anew: the same on every replica, nothing lost."""

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest

from bus.events import ToolCallId
from bus.record import Call, Record, Update
from services.reasoner import folding, investigation, turn
from services.reasoner.adapters import files
from services.reasoner.budget import Limits
from services.reasoner.folding import Fold
from services.reasoner.transcript import Message
from services.reasoner.turn import Request, Seen
from tests.bus.incidents import a_record
from tests.reasoner.conftest import MakeLoop
from tests.reasoner.model_desk import Said, asks, submits

TEXTS, SUBMIT = files.texts(), files.submit_tool()
NONCE = "5" * 32
WINDOW = 20_000
BIG = "\n".join(f"{number}| line {number} of a long log" for number in range(1, 60))


def reply(number: int) -> Message:
    """A turn's reply with thinking, words and two calls."""
    uses = [
        {"type": "tool_use", "id": f"tu{number}-{k}", "name": "k__logs", "input": {"pod": str(k)}}
        for k in (1, 2)
    ]
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    return {
        "role": "assistant",
        "content": [thought, {"type": "text", "text": f"hypothesis {number}"}, *uses],
    }


def calls(upto: int) -> tuple[Call, ...]:
    """Two calls of each turn, both answered."""
    return tuple(
        Call(
            tool_call_id=ToolCallId(f"{number}-{k}"),
            tool_use_id=f"tu{number}-{k}",
            tool="k__logs",
            state="ok",
        )
        for number in range(1, upto + 1)
        for k in (1, 2)
    )


def built(record: Record, transcript: Sequence[Message], shown: dict[str, str]) -> Request:
    """The request of the due turn."""
    seen = Seen(transcript=transcript, shown=shown, tools=(SUBMIT,))
    return turn.build(record, seen, texts=TEXTS, limits=Limits())


def played(turns: int) -> list[tuple[Record, Request]]:
    """So many turns with big results, each folded where it is due: record and request of each."""
    record, transcript, requests = a_record(nonce=NONCE), list[Message](), []
    for number in range(1, turns + 1):
        shown = {str(call.tool_call_id): BIG for call in record.calls}
        record = record.changed(turn=number)
        request = built(record, transcript, shown)
        if fold := request.due_fold(WINDOW):
            commit = investigation.folded(record, number, fold=fold)
            assert commit is not None
            record = commit.record
            request = built(record, transcript, shown)
        requests.append((record, request))
        transcript += [request.message, reply(number)]
        record = record.changed(calls=calls(number))
    return requests


def test_no_request_of_sixty_turns_is_longer_than_the_share_and_few_change_the_prefix() -> None:
    requests = played(60)
    sizes = [folding.tokens_of(record, request.prompt_bytes) for record, request in requests]
    assert max(sizes) <= folding.MOST_SHARE * WINDOW
    assert all(request.history == request.kept[:-1] for _, request in requests)
    kept = [len(request.kept) for _, request in requests]
    assert kept == [2 * number - 1 for number in range(1, 61)]
    changed = [
        later.messages[: len(request.messages)] != request.messages
        for (_, request), (_, later) in pairwise(requests)
    ]
    assert 0 < sum(changed) <= 15


def test_a_fold_keeps_the_incident_names_what_is_cleared_and_shows_the_newest_whole() -> None:
    record, request = next(pair for pair in played(20) if folding.FOLDED in pair[0].notes)
    (told,) = request.messages
    first = request.kept[0]["content"]
    assert isinstance(told["content"], list)
    assert isinstance(first, list)
    assert told["content"][: len(first)] == first
    words = json.dumps(told, ensure_ascii=False)
    assert "result 1-1 was cleared; read_result(1-1) shows it again" in words
    assert 'call 1-1: k__logs {\\"pod\\": \\"1\\"}' in words
    assert "hypothesis 1" in words
    assert f"<result {record.turn - 1}-1 " in words
    assert words.count("59| line 59") < 2 * (record.turn - 1)
    assert "thinking" not in {block["type"] for block in told["content"]}


def test_a_folded_request_is_the_same_bytes_wherever_it_is_built_and_grows_from_there() -> None:
    requests = played(30)
    again = played(30)
    for (_, one), (_, other) in zip(requests, again, strict=True):
        assert json.dumps(one.body()) == json.dumps(other.body())
    stored = Record.model_validate_json(requests[-1][0].model_dump_json())
    last = requests[-1][1]
    assert folding.told(last.kept, stored) == last.messages


def test_updates_outlive_a_fold_and_our_other_words_do_not() -> None:
    record = a_record(nonce=NONCE, updates=(Update(kind="joined", text="another alarm"),))
    first = built(record, [], {}).message
    record = record.changed(turn=2, calls=calls(1), updates_shown=0, notes={turn.SAY: "reminder"})
    second = built(record, [first, reply(1)], {"1-1": BIG, "1-2": "short"}).message
    record = record.changed(turn=3, calls=calls(2), updates_shown=1, concluding="turns", notes={})
    fold = Fold(messages=5, shown_from=2, brief_until=1)
    record = record.changed(notes={folding.FOLDED: fold.model_dump_json()})
    request = built(record, [first, reply(1), second, reply(2)], {"2-1": BIG})
    (told,) = request.messages
    words = json.dumps(told)
    assert words.count("another alarm") == 2
    assert TEXTS.reminder not in words
    assert "hypothesis 1" not in words
    assert "hypothesis 2" in words
    assert isinstance(told["content"], list)
    assert "conclude: limit reached: turns" in str(told["content"][-1]["text"])


@pytest.mark.parametrize("thinks", [True, False])
def test_what_was_thought_after_another_prompt_is_told_anew(thinks: bool) -> None:
    said = reply(1)
    assert isinstance(said["content"], list)
    if not thinks:
        said = {**said, "content": said["content"][1:]}
    record = a_record(nonce=NONCE)
    first = built(record, [], {})
    record = record.changed(turn=2, calls=calls(1), notes={folding.PROMPT: "other tools"})
    second = built(record, [first.message, said], {"1-1": BIG, "1-2": BIG})
    fold = second.due_fold(200_000)
    assert fold == (Fold(messages=3) if thinks else None)
    if fold:
        record = record.changed(notes=record.notes | {folding.FOLDED: fold.model_dump_json()})
        told = built(record, [first.message, said], {"1-1": BIG, "1-2": BIG})
        assert json.dumps(told.messages).count("59| line 59") == 2
        assert told.due_fold(200_000) is None


@pytest.mark.parametrize(("refusals", "outcome"), [(1, "diagnosed"), (2, "diagnosed"), (3, "")])
async def test_a_window_smaller_than_the_setting_is_found_by_halves_and_a_diagnosis_ends_it(
    refusals: int, outcome: str, make_loop: MakeLoop
) -> None:
    refused, log = Said(status=413), "k__logs"
    asked = [asks((log, {"page": number})) for number in range(4)]
    loop = await make_loop(*asked, *[refused] * refusals, submits(), tools=(log,))
    loop.answers[log] = BIG
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == (outcome or "inconclusive", "context window")
    sizes = [len(raw) for raw in loop.desk.raw[4:]]
    assert len(sizes) == min(refusals + 1, 3)
    assert sizes[1] <= 0.75 * sizes[0]
    last = json.dumps(loop.desk.bodies[-1])
    assert ("read_result(4-1) shows it again" in last) is (refusals > 1)
    assert "59| line 59" not in last if refusals > 1 else "59| line 59" in last
