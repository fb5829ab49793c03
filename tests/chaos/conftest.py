"""What all tests under fire share: the zygotes end with the session."""

from collections.abc import Iterator

import pytest

from tests.chaos import nursery


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/chaos --points TEXT` strikes at all points whose name holds that text."""
    help_text = "strike only at the crash points whose name holds this text, at all of them"
    parser.getgroup("nightshift").addoption("--points", default="", help=help_text)


@pytest.fixture(scope="session", autouse=True)
def zygotes() -> Iterator[None]:
    """Whatever was forked has ended after the last test."""
    yield
    nursery.close()
