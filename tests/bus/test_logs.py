"""A line of a log says which incident it is about, wherever in its handling it is written."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from bus.envelope import Entry
from bus.events import InvestigationId, TurnDue
from bus.logs import JsonLines
from bus.port import Route
from bus.process import build_app
from bus.streams import TURNS
from bus.testing import eventually
from bus.tracing import root_of
from tests.conftest import MakeBus, Start

log = logging.getLogger(__name__)
INV = InvestigationId("inc-7")
SECRET = "gh" + "p_" + "a1B2c3D4e5" * 3 + "f6G7h8"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the service writes to its log."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("reasoner"))
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


async def test_lines_from_inside_a_call_and_after_its_failure_bear_the_incident(
    make_bus: MakeBus, start: Start, written: io.StringIO
) -> None:
    """Only the outermost span told the incident: lines about the model, or a failure, had none."""
    bus = make_bus("reasoner")
    traceparent = root_of(INV).traceparent

    async def handle(_event: TurnDue, _entry: Entry) -> None:
        with bus.tracing.span("chat of a model"):
            log.warning("the model is not available, token %s", SECRET)
        raise ValueError("and so the turn fails")

    await start(build_app(bus, [Route(TURNS, TurnDue, handle)]))
    await bus.publish(TurnDue(investigation_id=INV, turn=1), traceparent=traceparent)

    async def failed() -> bool:
        return "and so the turn fails" in written.getvalue()

    await eventually(failed)
    assert SECRET not in written.getvalue()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    for words in ("the model is not available", "failed"):
        (line, *_) = (each for each in lines if words in each["message"])
        assert line["incident_id"] == INV
        assert line["trace_id"] == root_of(INV).trace_id
