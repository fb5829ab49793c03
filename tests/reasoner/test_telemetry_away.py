"""A collector that takes everything and answers nothing costs no diagnosis."""

import pytest

from tests.bus.test_telemetry_away import collector
from tests.reasoner.conftest import LOGS, MakeLoop
from tests.reasoner.model_desk import asks, submits
from tests.reasoner.test_loop import QUOTE


async def test_an_investigation_ends_as_ever_while_the_collector_does_not_answer(
    make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector("hanging") as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        loop = await make_loop(asks((LOGS, {})), submits(("1-1", QUOTE)))
        await loop.open()
        assert (await loop.ended()).outcome == "diagnosed"
