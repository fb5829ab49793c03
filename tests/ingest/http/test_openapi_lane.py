"""Full lane: schemathesis over the document that ingest serves, a real process, a real Redis.

schemathesis is none of the project's packages: its program is the one that
NIGHTSHIFT_SCHEMATHESIS names, else the one on PATH, else the one in an environment that is made
under `.nightshift/`; where none can be had, the test is skipped and says so.
"""

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from bus.testing import eventually
from tests.conftest import MakeBus
from tests.ingest.bodies import REGION
from tests.ingest.http.conftest import ALERTS, ALERTS_TOKEN, LOGS, LOGS_TOKEN, SNS, TOPIC
from tests.lane import Figures, Lane

VERSION = "4.32.5"
CASES = 5_000
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)


def program() -> str:
    """The path of schemathesis; skips the test where it cannot be had."""
    found = os.environ.get("NIGHTSHIFT_SCHEMATHESIS") or shutil.which("schemathesis")
    if found:
        return found
    folder = Path(".nightshift/schemathesis").resolve()
    if not (folder / "bin" / "schemathesis").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", f"schemathesis=={VERSION}"]
        if subprocess.run(pip, check=False).returncode:
            pytest.skip("schemathesis cannot be installed here: set NIGHTSHIFT_SCHEMATHESIS")
    return str(folder / "bin" / "schemathesis")


def settings(make_bus: MakeBus, redis_url: str, *, port: int) -> dict[str, str]:
    """What ingest is started with: every HTTP door open, and no queue."""
    return {
        "NIGHTSHIFT_STREAM_PREFIX": make_bus("ingest").settings.stream_prefix,
        "NIGHTSHIFT_HTTP_HOST": "127.0.0.1",
        "NIGHTSHIFT_HTTP_PORT": str(port),
        "NIGHTSHIFT_SNS_TOPICS": TOPIC,
        "NIGHTSHIFT_ALERTMANAGER_TOKEN": ALERTS_TOKEN,
        "NIGHTSHIFT_LOGS_TOKEN": LOGS_TOKEN,
        "SLACK_SIGNING_SECRET": secrets.token_hex(16),
        "AWS_REGION": REGION,
        "REDIS_URL": redis_url,
    }


@dataclass(frozen=True)
class Run:
    """One run of schemathesis: which path, how many cases, with which headers."""

    path: str
    cases: int
    header: str = ""


# Before Redis 7.2 a case that is taken is answered after two seconds: so several runs at once.
RUNS = (
    Run("/openapi.json", 20),
    Run(SNS, 2_200),
    Run("/slack/events", 500),
    Run(ALERTS, 700),
    Run(LOGS, 700),
    *[Run(ALERTS, 300, f"Authorization: Bearer {ALERTS_TOKEN}")] * 3,
    *[Run(LOGS, 300, f"X-Amz-Firehose-Access-Key: {LOGS_TOKEN}")] * 3,
)


@pytest.mark.timeout(3000)
async def test_no_case_of_schemathesis_gets_an_undocumented_answer(
    lane: Lane, figures: Figures, make_bus: MakeBus, redis_url: str, tmp_path: Path
) -> None:
    if not lane.full:
        pytest.skip("full lane only; test_any_request is its sample")
    schemathesis = await asyncio.to_thread(program)
    port = free_port()
    own = os.environ | settings(make_bus, redis_url, port=port)
    errors = (tmp_path / "ingest.log").open("w")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ingest", env=own, stderr=errors
    )
    try:
        await eventually(lambda: listens(port), seconds=60)
        address = f"http://127.0.0.1:{port}/openapi.json"
        reports = [tmp_path / f"{number}.har" for number in range(len(RUNS))]
        said = await asyncio.gather(
            *(
                carried_out(
                    [schemathesis, "run", address, *arguments(run, lane.seed + number)],
                    report=report,
                )
                for number, (run, report) in enumerate(zip(RUNS, reports, strict=True))
            )
        )
    finally:
        process.terminate()
        await process.wait()
        errors.close()
    seen = sum(map(statuses, reports), Counter[int]())
    figures.add("issue 8", "cases of schemathesis", sum(seen.values()), f">= {CASES}")
    figures.add("issue 8", "their statuses", dict(sorted(seen.items())), "no 5xx")
    assert [text for code, text in said if code] == []
    assert sum(seen.values()) >= CASES
    assert not [status for status in seen if status >= 500]
    assert "Traceback" not in (tmp_path / "ingest.log").read_text()


def arguments(run: Run, seed: int) -> list[str]:
    """How schemathesis is called for one run."""
    header = ["-H", run.header] if run.header else []
    return [
        *("--include-path", run.path, "--checks", ",".join(CHECKS), "--seed", str(seed)),
        *("--max-examples", str(run.cases), "--continue-on-failure", "--warnings", "off"),
        *("--suppress-health-check", "all", "--no-shrink", *header),
    ]


async def carried_out(command: list[str], *, report: Path) -> tuple[int, str]:
    """The exit code of one run, and the end of what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--report", "har", "--report-har-path", str(report)),
        cwd=report.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()[-6000:]


def statuses(report: Path) -> Counter[int]:
    """How often each status was answered."""
    entries = json.loads(report.read_text())["log"]["entries"]
    return Counter(int(entry["response"]["status"]) for entry in entries)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def listens(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
