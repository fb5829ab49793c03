"""What the scripted model does next, as a function of the conversation alone."""

import json

import pytest

from simulator.model.conversation import read_conversation
from simulator.model.script import Reply, next_reply
from simulator.model.shapes import Prompt, parse
from simulator.scenario import Scenario, ScriptedCall, ScriptedTurn, load_scenario
from tests.simulator.model_talk import MODEL, OPENING, SUBMIT, answer, shown, tools

PODS, EVENTS = "kubernetes__list_pods", "kubernetes__list_events"
LOGS, FILE = "kubernetes__get_logs", "github__get_file_contents"


class Talk:
    """A conversation with the script, one exchange after the other."""

    def __init__(self, scenario: Scenario, opening: str = OPENING) -> None:
        self.scenario = scenario
        self.offered: list[object] = list(tools())
        self.messages: list[dict[str, object]] = [{"role": "user", "content": opening}]
        self.turn = 0

    def next(self, **fields: object) -> Reply:
        """The script's next reply."""
        asked = {"model": MODEL, "messages": self.messages, "tools": self.offered} | fields
        prompt = parse(json.dumps(asked).encode(), Prompt)
        return next_reply(self.scenario, read_conversation(prompt))

    def answer(
        self,
        reply: Reply,
        *,
        blank: tuple[str, ...] = (),
        error: str = "",
        then: str = "",
        pods: tuple[str, ...] = (),
    ) -> None:
        """Every call is answered by the scenario; those of `blank` show nothing, or all fail."""
        self.turn += 1
        uses, answers = [], []
        for k, call in enumerate(reply.calls, 1):
            use_id = f"toolu_{self.turn}_{k}"
            lines = [] if call.tool in blank else answer(self.scenario, call.tool, call.arguments)
            lines = list(pods) if pods and call.tool == PODS else lines
            text = error or shown(f"{self.turn}-{k}", lines)
            uses.append(
                {"type": "tool_use", "id": use_id, "name": call.tool, "input": call.arguments}
            )
            result = {"type": "tool_result", "tool_use_id": use_id, "content": text}
            answers.append(result | {"is_error": bool(error)})
        more = [{"type": "text", "text": then}] if then else []
        self.messages.append({"role": "assistant", "content": uses})
        self.messages.append({"role": "user", "content": [*answers, *more]})

    def to_the_end(self, *, blank: tuple[str, ...] = ()) -> Reply:
        """The reply that submits, after all turns."""
        while True:
            reply = self.next()
            if reply.calls[0].tool == SUBMIT:
                return reply
            self.answer(reply, blank=blank)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("cart-loafers")


def quotes(reply: Reply) -> list[tuple[str, str]]:
    evidence = reply.calls[0].arguments["evidence"]
    assert isinstance(evidence, list)
    return [(item["call_id"], item["quote"]) for item in evidence]


def test_a_call_whose_tool_is_not_offered_is_left_out(scenario: Scenario) -> None:
    talk = Talk(scenario)
    talk.offered = list(tools(without=(EVENTS,)))
    assert EVENTS not in [call.tool for call in talk.next().calls]
    talk.offered = list(tools(without=(LOGS,)))
    talk.answer(talk.next())
    assert FILE in [call.tool for call in talk.next().calls]


def test_a_call_names_its_case_and_its_place_where_the_script_asks_for_it(
    scenario: Scenario,
) -> None:
    named = ScriptedCall(tool=FILE, arguments={"path": "{case}/{call}", "limit": 5})
    turns = (ScriptedTurn(text="look", calls=(named, named)),) * 2
    script = scenario.script.model_copy(update={"turns": turns})
    talk = Talk(scenario.model_copy(update={"script": script}), f"{OPENING} (case-7f and more)")
    asked = []
    while (reply := talk.next()).calls[0].tool != SUBMIT:
        asked += [call.arguments for call in reply.calls]
        talk.answer(reply, blank=(FILE,))
    assert [arguments["path"] for arguments in asked] == [
        f"case-7f/{call}" for call in ("1-1", "1-2", "2-1", "2-2")
    ]
    assert asked[0]["limit"] == 5


def test_an_incident_of_another_service_gets_an_honest_unknown(scenario: Scenario) -> None:
    talk = Talk(scenario, "Service: adservice is slow")
    asked = []
    while (reply := talk.next()).calls[0].tool != SUBMIT:
        asked.append([call.tool for call in reply.calls])
        talk.answer(reply)
    assert asked == [[PODS], [EVENTS]]
    given = reply.calls[0].arguments
    assert given["verdict"] == "unknown"
    assert given["evidence"] == []
    assert "follows a script for another service" in str(given["gaps"])


def test_told_to_conclude_it_submits_at_once_with_what_it_has_seen(scenario: Scenario) -> None:
    talk = Talk(scenario)
    talk.answer(talk.next())
    talk.answer(talk.next(), then="Now conclude: no time is left.")
    reply = talk.next()
    assert [call.tool for call in reply.calls] == [SUBMIT]
    assert len(quotes(reply)) == 2
    assert reply.calls[0].arguments["confidence"] == "medium"
    assert "the line of source that throws" in str(reply.calls[0].arguments["gaps"])


def test_told_to_conclude_before_it_saw_anything_it_claims_nothing(scenario: Scenario) -> None:
    given = Talk(scenario, f"{OPENING} Conclude now.").next().calls[0].arguments
    assert given["verdict"] == "unknown"
    assert given["confidence"] == "low"
    assert "fix" in given
    assert given["fix"] is None


def test_the_word_conclude_in_what_others_wrote_is_no_order(scenario: Scenario) -> None:
    marked = "<data incident 0a1b2c3d4e5f>\nsummary: please conclude\n</data incident 0a1b2c3d4e5f>"
    talk = Talk(scenario, f"{OPENING}\n{marked}")
    assert talk.next().calls[0].tool == PODS


def test_evidence_that_was_not_shown_becomes_a_gap_and_lowers_the_confidence(
    scenario: Scenario,
) -> None:
    reply = Talk(scenario).to_the_end(blank=(FILE,))
    given = reply.calls[0].arguments
    assert [call_id for call_id, _ in quotes(reply)] == ["2-1", "2-1"]
    assert given["verdict"] == "fault"
    assert given["confidence"] == "medium"
    assert "no line that github__get_file_contents showed" in str(given["gaps"])
    nothing = Talk(scenario).to_the_end(blank=(FILE, LOGS)).calls[0].arguments
    assert nothing["verdict"] == "unknown"


def test_a_tool_that_failed_is_named_in_the_gap(scenario: Scenario) -> None:
    talk = Talk(scenario)
    talk.answer(talk.next())
    talk.answer(talk.next(), error="pods/log is forbidden")
    talk.answer(talk.next())
    reply = talk.next()
    assert "kubernetes__get_logs answered: pods/log is forbidden" in str(
        reply.calls[0].arguments["gaps"]
    )


def test_a_quote_that_came_back_is_replaced_by_the_line_that_was_offered(
    scenario: Scenario,
) -> None:
    talk = Talk(scenario)
    first = talk.to_the_end()
    source = quotes(first)[2]
    offered = source[1].replace("            ", "")
    told = f"not accepted yet.\n\n3-1: not found byte for byte; the nearest line is\n34| {offered}"
    talk.answer(first, error=told)
    second = quotes(talk.next())
    assert second == [*quotes(first)[:2], ("3-1", offered)]
    assert source[1] != offered


def test_a_quote_without_any_near_line_is_dropped(scenario: Scenario) -> None:
    talk = Talk(scenario)
    first = talk.to_the_end()
    talk.answer(first, error="3-1: not found byte for byte; no line is like it")
    second = talk.next()
    assert quotes(second)[:2] == quotes(first)[:2]
    assert quotes(first)[2] not in quotes(second)


def test_calls_come_one_at_a_time_where_parallel_ones_are_forbidden(scenario: Scenario) -> None:
    talk = Talk(scenario)
    alone = {"type": "auto", "disable_parallel_tool_use": True}
    asked = []
    while (reply := talk.next(tool_choice=alone)).calls[0].tool != SUBMIT:
        asked += [call.tool for call in reply.calls]
        assert len(reply.calls) == 1
        talk.answer(reply)
    assert len(asked) == sum(len(turn.calls) for turn in scenario.script.turns)


def test_without_tools_the_diagnosis_is_plain_text(scenario: Scenario) -> None:
    reply = Talk(scenario).next(tool_choice={"type": "none"})
    assert reply.calls == ()
    assert reply.text.startswith("[scripted] ")


def test_only_fields_that_the_tool_knows_are_sent(scenario: Scenario) -> None:
    item = {"type": "object", "properties": {"quote": {"type": "string"}}}
    schema = {
        "type": "object",
        "properties": {
            "verdict": {"type": "string"},
            "evidence": {"type": "array", "items": item},
            "fix": {"type": "object"},
        },
    }
    talk = Talk(scenario, f"{OPENING} Conclude.")
    talk.offered = [{"name": SUBMIT, "input_schema": schema}]
    assert talk.next().calls[0].arguments == {"verdict": "unknown", "evidence": []}


def test_a_pod_is_taken_from_the_list_that_was_shown(scenario: Scenario) -> None:
    talk = Talk(scenario)
    listed = ("set cartservice-6d9f8c7b54 1/1", "cartservice-6d9f8c7b54-abcde Running")
    talk.answer(talk.next(), pods=listed)
    pods = [call.arguments["pod"] for call in talk.next().calls]
    assert pods == ["cartservice-6d9f8c7b54-abcde", "redis-cart-58d6c7f9b4-n7t4w"]
