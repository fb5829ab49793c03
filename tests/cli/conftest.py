"""One run of the demo, and one lock, for all tests of a test run, on however many workers."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.cli.nightshift import locked, start


@dataclass(frozen=True)
class DemoRun:
    """How `nightshift demo` ended, and what it had said when it was first read."""

    code: int
    first_read: str
    ran_on: bool
    """Whether it still ran then."""
    output: str
    errors: str


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def port_lock(shared_folder: Path) -> Path:
    """The file behind which only one test at a time looks whether port 6379 is free."""
    return shared_folder / "port-6379.lock"


@pytest.fixture(scope="session")
def demo_run(shared_folder: Path) -> DemoRun:
    """The demo was run once, whoever asked first."""
    kept = shared_folder / "demo-run.json"
    with locked(shared_folder / "demo-run.lock"):
        if not kept.exists():
            kept.write_text(json.dumps(asdict(_run_demo(shared_folder))), encoding="utf-8")
        return DemoRun(**json.loads(kept.read_text(encoding="utf-8")))


def _run_demo(folder: Path) -> DemoRun:
    process = start("demo", folder=folder)
    assert process.stdout is not None
    first_read = os.read(process.stdout.fileno(), 4096).decode()
    ran_on = process.poll() is None
    output, errors = process.communicate(timeout=150)
    return DemoRun(process.returncode, first_read, ran_on, first_read + output, errors)
