"""A second call judges the diagnosis by its quotes: it can only lower the confidence."""

import pytest

from bus.events import Confidence, Diagnosis, Evidence, ToolCallId
from services.reasoner import second_look
from services.reasoner.adapters import files
from services.reasoner.caching import hash_of
from services.reasoner.second_look import NOTE, Look, Shown, judged, lowered
from services.reasoner.transcript import Reply, Usage
from tests.bus.incidents import a_record
from tests.reasoner.conftest import LOGS, MakeLoop
from tests.reasoner.model_desk import Said, asks, submits

QUOTE = "System.ApplicationException: no loafers"


def found(confidence: Confidence) -> Diagnosis:
    quotes = (
        Evidence(tool_call_id=ToolCallId("1-1"), quote="a true line", verified=True),
        Evidence(tool_call_id=ToolCallId("1-1"), quote="a false line", verified=False),
    )
    return Diagnosis(
        verdict="fault",
        summary="s",
        root_cause="cheese",
        confidence=confidence,
        evidence=quotes,
        unverified=("fix",),
    )


@pytest.mark.parametrize(
    ("shown", "before", "after"),
    [
        ("yes", "low", "low"),
        ("yes", "high", "high"),
        ("", "high", "high"),
        ("partly", "high", "medium"),
        ("partly", "low", "low"),
        ("no", "high", "low"),
    ],
)
def test_confidence_only_falls(shown: Shown, before: Confidence, after: Confidence) -> None:
    seen = lowered(found(before), Look(shown=shown, note="n"))
    assert seen.confidence == after
    assert seen.unverified == (("root_cause", "fix") if shown == "no" else ("fix",))
    assert seen.verdict == "fault"


def test_it_sees_claims_and_true_quotes_between_markers_and_nothing_else() -> None:
    request = second_look.request(
        a_record(), found("high"), words=files.texts(), judge=files.judge_tool()
    )
    told = str(request.message)
    assert "root cause: cheese" in told
    assert "<data quote-1 " in told
    assert "a true line" in told
    assert "a false line" not in told
    assert (request.history, [tool["name"] for tool in request.tools]) == ((), ["judge_diagnosis"])
    assert request.prompt_bytes < 2_000


@pytest.mark.parametrize("given", [None, {}, {"shown": "perhaps"}, {"shown": ["no"]}])
def test_an_answer_that_is_none_changes_nothing(given: dict[str, str] | None) -> None:
    content = ({"type": "tool_use", "id": "t", "name": "judge_diagnosis", "input": given},)
    reply = Reply(content=content, stop_reason="tool_use", model="m", usage=Usage())
    assert judged(reply, cost_usd=0.01).shown == ""


def judges(shown: str) -> Said:
    return asks(("judge_diagnosis", {"shown": shown, "reason": "they speak of cheese"}))


async def test_a_doubt_is_noted_and_its_cost_counted(make_loop: MakeLoop) -> None:
    replies = (asks((LOGS, {})), submits(("1-1", QUOTE)), judges("no"))
    loop = await make_loop(*replies, verify="on", verify_model="claude-haiku-5-5")
    await loop.open()
    record = await loop.ended()
    assert record.diagnosis is not None
    assert (record.outcome, record.diagnosis.confidence) == ("diagnosed", "low")
    assert record.diagnosis.unverified == ("root_cause",)
    assert record.notes[NOTE] == "no: they speak of cheese"
    assert record.spend.model_calls == 3
    assert [body["model"] for body in loop.desk.bodies][1:] == [
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
    ]
    day = loop.bus.keys.spend(f"{record.opened_at:%Y-%m-%d}")
    left = await loop.bus.redis.hgetall(day)
    assert list(left) == [b"spent"], "every reservation was replaced"
    assert float(left[b"spent"]) == pytest.approx(record.spend.cost_usd)


@pytest.mark.parametrize(
    "says", [Said(status=404), Said(({"type": "text", "text": "hm"},)), judges("yes")]
)
async def test_whatever_else_happens_leaves_the_diagnosis_as_it_is(
    says: Said, make_loop: MakeLoop
) -> None:
    loop = await make_loop(asks((LOGS, {})), submits(("1-1", QUOTE)), says, verify="on")
    await loop.open()
    record = await loop.ended()
    assert record.diagnosis is not None
    assert (record.diagnosis.confidence, record.diagnosis.unverified) == ("high", ())
    assert record.notes[NOTE].startswith(("none: ", "yes: "))
    assert len(loop.desk.bodies) == 3


@pytest.mark.parametrize(("most_usd", "said"), [(0.10, "yes: "), (0.02, "none: no money")])
async def test_the_money_that_its_own_turn_had_reserved_is_not_missing_to_it(
    most_usd: float, said: str, make_loop: MakeLoop
) -> None:
    """The turn's worst case is $0.09 and still set aside; what it cost is $0.003."""
    loop = await make_loop(submits(), judges("yes"), verify="on", max_cost_usd=most_usd)
    await loop.open()
    record = await loop.ended()
    assert record.notes[NOTE].startswith(said)


async def test_a_trace_tells_the_version_and_the_hash_of_all_texts(make_loop: MakeLoop) -> None:
    loop = await make_loop(submits(), judges("yes"), verify="on")
    await loop.open()
    await loop.ended()
    texts, told = files.texts(), [chat.attributes or {} for chat in loop.chats()]
    assert {chat["nightshift.prompt_version"] for chat in told} == {texts.version}
    (noted,) = {chat["nightshift.texts_sha256"] for chat in told}
    assert len(told) == 2
    assert noted == hash_of(texts.model_dump())
    for name in set(type(texts).model_fields) - {"version"}:
        assert hash_of(texts.model_copy(update={name: "other"}).model_dump()) != noted


async def test_without_money_or_a_claim_nobody_is_asked_again(make_loop: MakeLoop) -> None:
    loop = await make_loop(submits(verdict="unknown"), verify="on")
    await loop.open()
    record = await loop.ended()
    assert (len(loop.desk.bodies), NOTE in record.notes) == (1, False)
