"""What all tests under fire share: the zygotes end with the session."""

from collections.abc import Iterator

import pytest

from tests.chaos import nursery


@pytest.fixture(scope="session", autouse=True)
def zygotes() -> Iterator[None]:
    """Whatever was forked has ended after the last test."""
    yield
    nursery.close()
