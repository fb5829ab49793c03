"""A case's evidence is served to its own incident and to no other."""

import asyncio
from pathlib import Path

import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import ToolError

from bus.tracing import root_of
from simulator.cases import read_cases
from simulator.cases.cast import Cast
from simulator.cases.evidence import build_evidence
from simulator.cases.world import LOCK
from simulator.request_log import RequestLog
from simulator.serving import served
from tests.evaluation.evidence_lock import COMMAND, evidence_lock
from tests.evaluation.test_case_folders import OWN

pytestmark = pytest.mark.timeout(30)
INCIDENTS = {"eval-a": "own-email-template", "eval-b": "own-wrong-variable"}


async def asked(tmp_path: Path, incident: str, *calls: tuple[str, dict[str, object]]) -> list[str]:
    """What the server answers to these calls in the trace of that incident."""
    cases = {case.name: case for case in read_cases(OWN)[0]}
    cast = Cast({incident: cases[name] for incident, name in INCIDENTS.items()})
    headers = {"traceparent": root_of(incident).traceparent}
    async with served(build_evidence(cast, RequestLog(tmp_path / "log.jsonl"))) as address:
        transport = StreamableHttpTransport(f"{address}/mcp", headers=headers)
        async with asyncio.timeout(20), Client(transport) as client:
            answers = [await client.call_tool(tool, arguments) for tool, arguments in calls]
    return ["\n".join(part.text for part in answer.content) for answer in answers]


async def test_the_lock_is_what_the_server_lists(tmp_path: Path) -> None:
    assert LOCK.read_text(encoding="ascii") == await evidence_lock(tmp_path), f"run `{COMMAND}`"


async def test_each_incident_sees_its_own_case(tmp_path: Path) -> None:
    (mail,) = await asked(tmp_path, "eval-a", ("list_evidence", {}))
    (checkout,) = await asked(tmp_path, "eval-b", ("list_evidence", {}))
    assert "logs_emailservice.txt" in mail
    assert "logs_checkoutservice.txt" in checkout
    assert "expected" not in mail + checkout
    assert "own-" not in mail + checkout


async def test_files_are_read_whole_and_in_part_and_searched(tmp_path: Path) -> None:
    name = "services.txt"
    whole, part, found = await asked(
        tmp_path,
        "eval-b",
        ("read_evidence", {"name": name}),
        ("read_evidence", {"name": name, "first_line": 2, "lines": 1}),
        ("search_evidence", {"words": "SHIPPING_service_addr"}),
    )
    assert whole == (OWN / "own-wrong-variable" / "evidence" / name).read_text(encoding="utf-8")
    assert part == whole.split("\n")[1]
    assert found == (
        "deployment_checkoutservice.txt:4:   SHIPPING_SERVICE_ADDR: shippingservice:50050"
    )


@pytest.mark.parametrize(
    ("incident", "name", "words"),
    [
        ("eval-b", "logs_emailservice.txt", "there is no 'logs_emailservice.txt'"),
        ("eval-b", "../expected.json", r"there is no '\.\./expected\.json'"),
        ("eval-c", "services.txt", "nothing was recorded of the incident that asks"),
    ],
)
async def test_what_is_not_of_the_case_is_refused(
    incident: str, name: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match=words):
        await asked(tmp_path, incident, ("read_evidence", {"name": name}))
