"""What all tests under fire share: the zygotes end with the session."""

from collections.abc import Iterator

import pytest

from tests.chaos import nursery

SECOND_HALF = (
    "test_deadlines.py",
    "test_janitor.py",
    "test_lost_store.py",
    "test_mcp_faults.py",
    "test_outages.py",
    "test_poison.py",
    "test_power_loss.py",
    "test_scaled_to_zero.py",
    "test_scenarios_under_faults.py",
    "test_scenarios_under_tool_faults.py",
    "test_single_faults.py",
    "test_slack_limits.py",
    "test_versions.py",
)
"""Mostly waiting, or short: about as long together as the others are."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/chaos --points TEXT` strikes at all points whose name holds that text."""
    help_text = "strike only at the crash points whose name holds this text, at all of them"
    parser.getgroup("nightshift").addoption("--points", default="", help=help_text)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in this hook, too
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The full lane shares its long campaigns among two workers; samples run one by one."""
    if config.getoption("full"):
        for item in items:
            if item.path.name in SECOND_HALF:
                item.add_marker(pytest.mark.xdist_group("chaos-2"), append=False)


@pytest.fixture(scope="session", autouse=True)
def zygotes() -> Iterator[None]:
    """Whatever was forked has ended after the last test."""
    yield
    nursery.close()
