"""What an investigation without a diagnosis shows of its work."""

import json

from bus.events import ToolCallId
from bus.record import Call
from services.notifier.so_far import calls
from tests.notifier.records import ended


def test_a_submission_that_was_not_accepted_is_nothing_that_was_looked_at() -> None:
    record = ended("out_of_budget")
    refused = Call(
        tool_call_id=ToolCallId("2-1"),
        tool_use_id="c",
        tool="submit_diagnosis",
        state="error",
        sentence="not accepted: verdict: must be one of fault, healthy, unknown",
    )
    record = record.model_copy(update={"calls": (*record.calls, refused)})
    shown = json.dumps(calls(record, made={}).blocks)
    assert "github__search_code" in shown
    assert "healthy" not in shown
