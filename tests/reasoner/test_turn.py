"""A request is a function of record, transcript and results: the same bytes everywhere."""

import json
from dataclasses import replace
from datetime import timedelta

from bus.events import Alarm, ToolCallId
from bus.record import Call, Record, Update
from services.reasoner import loops, turn
from services.reasoner.adapters import files
from services.reasoner.budget import Limits
from services.reasoner.transcript import Reply, Usage, marked, text_block, user_message
from services.reasoner.turn import Request, Seen
from tests.bus.incidents import a_record, an_incident

TEXTS = files.texts()
SUBMIT = files.submit_tool()
CIRCLE = "the same calls, 5 times in a row"
FIRST = user_message([text_block("incident")])
NONCE = "5" * 32


def call(k: int, state: str, sentence: str = "") -> Call:
    values = {"tool_call_id": f"1-{k}", "tool_use_id": f"tu{k}", "tool": "k__logs"}
    return Call.model_validate(values | {"state": state, "sentence": sentence})


def reply() -> dict[str, object]:
    uses = [{"type": "tool_use", "id": f"tu{k}", "name": "k__logs", "input": {}} for k in (1, 2, 3)]
    return {"role": "assistant", "content": uses}


def build(record: Record, shown: dict[str, str] | None = None) -> Request:
    transcript = [FIRST, reply()] if record.turn > 1 else []
    seen = Seen(transcript=transcript, shown=shown or {}, tools=(SUBMIT,))
    return turn.build(record, seen, texts=TEXTS, limits=Limits())


def blocks(request: Request) -> list[dict[str, object]]:
    content = request.message["content"]
    assert isinstance(content, list)
    return content


def test_every_call_is_answered_in_order_then_updates_then_our_words() -> None:
    record = a_record(
        turn=2,
        nonce=NONCE,
        calls=(call(1, "ok"), call(2, "error", "not run: limit"), call(3, "error", "boom")),
        updates=(Update(kind="joined", text="another alarm"),),
        notes={turn.SAY: "reminder"},
    )
    built = build(record, {"1-1": "log\n1| a", "1-3": "boom"})
    first, second, third, update, said = blocks(built)
    assert first["content"] == marked("log\n1| a", "1-1", nonce=NONCE)
    assert "is_error" not in first
    assert (second["content"], second["is_error"]) == ("not run: limit", True)
    assert third["content"] == marked("boom", "1-3", nonce=NONCE)
    assert third["is_error"] is True
    assert "another alarm" in str(update["text"])
    assert said["text"] == TEXTS.reminder
    assert built.updates_shown == 1


def test_a_call_closed_before_its_result_came_stays_closed() -> None:
    record = a_record(turn=2, calls=(call(1, "error", "not available before the deadline"),))
    assert build(record) == build(record, {"1-1": "came later"})


def test_two_builds_give_the_same_bytes_also_after_a_round_trip_of_the_transcript() -> None:
    record = a_record(turn=2, nonce=NONCE, calls=(call(1, "ok"),))
    once, again = (json.dumps(build(record, {"1-1": "é"}).body()) for _ in range(2))
    assert once == again
    assert json.dumps(json.loads(once)) == once


def test_marks_are_at_most_four_and_never_in_the_message_that_is_kept() -> None:
    built = build(a_record(turn=2, nonce=NONCE, calls=(call(1, "ok"),)), {"1-1": "x"})
    assert json.dumps(built.body()).count("cache_control") == 4
    assert "cache_control" not in json.dumps([built.message, built.history, built.tools])


def test_the_conclude_turn_has_the_same_tools_and_one_text_more() -> None:
    record = a_record(turn=2, calls=(call(1, "ok"),))
    ordinary, last = build(record), build(record.changed(concluding="turns"))
    assert ordinary.body()["tools"] == last.body()["tools"]
    assert last.concludes
    assert "conclude: limit reached: turns" in str(blocks(last)[-1]["text"])


def test_the_incident_shows_what_is_known_between_markers() -> None:
    alarm = Alarm(name="cart-errors", reason="Threshold Crossed", labels={"b": "2", "a": "1"})
    incident = an_incident().model_copy(update={"alarm": alarm, "note": "please look"})
    record = a_record(nonce=NONCE, incident=incident)
    (first,) = blocks(build(record, {"trigger:alarm": "x\n1| y"}))
    said = str(first["text"])
    assert "alarm: cart-errors" in said
    assert said.index("label a: 1") < said.index("label b: 2")
    assert "note by a person: please look" in said
    assert marked("x\n1| y", "trigger:alarm", nonce=NONCE) in said


def test_markers_differ_by_call_and_by_investigation() -> None:
    seals = {
        marked("x", name, nonce=nonce).split("\n")[0].split(" ")[2]
        for name in ("1-1", "1-2")
        for nonce in ("a", "b")
    }
    assert len(seals) == 4


def test_a_reply_is_kept_as_it_came_but_for_empty_texts() -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": "abc"}
    content = (thinking, {"type": "text", "text": " "})
    given = Reply.model_validate(
        {"content": content, "stop_reason": "end_turn", "model": "m", "usage": Usage()}
    )
    assert given.message()["content"] == [thinking, {"type": "text", "text": "(no answer)"}]


def test_ids_of_calls_follow_the_turn() -> None:
    record = a_record(turn=2, calls=(call(1, "ok"),))
    assert [c.tool_call_id for c in record.calls_of(1)] == [ToolCallId("1-1")]


def test_the_nudge_stands_in_the_message_of_its_turn_and_in_no_other() -> None:
    record = a_record(turn=2, notes=loops.nudge(2, CIRCLE))
    assert f"You are going in circles: {CIRCLE}." in str(blocks(build(record))[-1]["text"])
    assert CIRCLE not in str(build(record.changed(turn=3)).message)


def test_a_conclude_turn_says_that_it_is_for_going_in_circles() -> None:
    last = build(a_record(turn=2, concluding=loops.CIRCLES))
    assert "conclude: you are going in circles." in str(blocks(last)[-1]["text"])


def test_what_is_said_besides_stands_last_and_changes_nothing_else() -> None:
    request = build(a_record())
    warned = request.saying(["one", "two"])
    assert [block["text"] for block in blocks(warned)[-2:]] == ["one", "two"]
    assert blocks(warned)[:-2] == blocks(request)
    assert request.saying([]) is request


def test_the_size_of_a_request_tells_apart_what_is_held_for_an_hour() -> None:
    assert build(a_record()).size(2.0).hour_bytes == 0
    size = replace(build(a_record()), hour=True).size(2.0)
    assert 0 < size.hour_bytes < size.prompt_bytes
    assert size.bytes_per_token == 2.0


def test_long_deadlines_are_told_in_whole_minutes() -> None:
    for seconds, told in ((200, "2.7"), (300, "4"), (748, "10"), (10_000, "133")):
        record = a_record()
        ends = record.opened_at + timedelta(seconds=seconds)
        words = blocks(build(record.changed(deadline_at=ends)))[0]["text"]
        assert str(words).endswith(f"and about {told} minutes.")


def test_the_first_message_tells_recent_roll_outs_as_data_and_their_absence() -> None:
    cases = (
        ({"at": "09:29", "text": "shop Deployment cart rolled_out=4m"}, "cart rolled_out=4m"),
        ({"at": "09:29", "text": ""}, "none"),
    )
    for known, told in cases:
        seen = Seen(transcript=[], shown={}, tools=(SUBMIT,), rollouts=known)
        record = a_record(nonce=NONCE)
        words = str(blocks(turn.build(record, seen, texts=TEXTS, limits=Limits()))[0]["text"])
        assert "looked up 09:29" in words
        head = words[: words.index(told)].splitlines()[-1]
        assert head.startswith(("<data rollouts ", "shop Deployment "))
    assert "oll-outs" not in str(blocks(build(a_record()))[0]["text"])
