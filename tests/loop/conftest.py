"""Running stacks: one for all tests that need nothing special."""

from collections.abc import Iterator

import pytest
from redis import Redis

from cli.stack import Plan, running_stack
from tests.loop.desk import SHARED, Desk, quiet


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """Four services, one reasoner, the cart incident, a fast scripted model."""
    settings = SHARED | {"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1"}
    plan = Plan(
        scenario="cart-loafers",
        model_seconds=0.05,
        settings=settings,
        own_redis=True,
        slack=True,
    )
    with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
        yield Desk(stack, redis)
