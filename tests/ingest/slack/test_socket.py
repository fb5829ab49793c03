"""Socket Mode over the wire: what is asked once happens once, and a lost connection comes back."""

import asyncio

import pytest
from pydantic import SecretStr

from bus.streams import INCIDENTS
from bus.testing import entries, eventually
from simulator.redis_server import RedisServer
from simulator.request_log import RequestLog
from simulator.slack import Human, People, payloads
from tests.ingest.slack.conftest import APP_TOKEN, StartIngest
from tests.ingest.slack.test_asking import told

pytestmark = pytest.mark.timeout(40)


async def test_the_only_call_is_for_a_socket_and_with_the_apps_own_token(
    slack_ingest: StartIngest, people: People, log: RequestLog
) -> None:
    service = await slack_ingest()
    await people.socket.connected()

    await people.command("cartservice")
    await told(people)

    asked = [line["request"] for line in log.read("slack")]
    assert asked == ["POST /api/apps.connections.open"]
    assert await service.health.problems() == {}


async def test_the_same_event_at_every_replica_and_door_is_one_incident(
    slack_ingest: StartIngest, people: People
) -> None:
    """Slack sends again what it thinks unheard; the copies meet at two replicas at once."""
    first, _ = await slack_ingest(), await slack_ingest()
    await people.socket.connected(2)
    sent = payloads.mention("cartservice is slow", Human())

    done = await asyncio.gather(*(people.socket.deliver("events_api", sent) for _ in range(20)))

    assert all(each.acknowledged for each in done)
    assert len(await entries(first.bus, INCIDENTS)) == 1


async def test_a_socket_that_slack_wants_renewed_is_renewed(
    slack_ingest: StartIngest, people: People
) -> None:
    service = await slack_ingest()
    await people.socket.connected()

    await people.socket.refresh()

    async def opened_again() -> bool:
        return people.socket.opened == 2 and len(people.socket.connections) == 1

    await eventually(opened_again)
    await people.command("cartservice")
    await told(people)
    assert len(await entries(service.bus, INCIDENTS)) == 1
    assert people.socket.violations == []


async def test_a_token_that_slack_refuses_is_told_by_readiness_and_ends_nothing(
    slack_ingest: StartIngest, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = APP_TOKEN + "-revoked"
    service = await slack_ingest(slack_app_token=SecretStr(wrong))

    async def trouble_is_told() -> bool:
        return "SLACK_APP_TOKEN: invalid_auth" in (await service.health.problems()).get("slack", "")

    await eventually(trouble_is_told)
    assert not service.failed.done()
    assert wrong not in caplog.text


async def test_a_mention_that_could_not_be_written_comes_again_and_a_command_is_told(
    slack_ingest: StartIngest, people: People, own_redis: RedisServer
) -> None:
    service = await slack_ingest(
        redis_url=SecretStr(own_redis.url), slack_app_token=SecretStr(APP_TOKEN)
    )
    await people.socket.connected()
    own_redis.kill()
    people.socket.more_tries = 0

    assert (await people.command("cartservice")).acknowledged
    assert "try again" in people.answers()[0].lower()
    lost = await people.mention("cartservice is slow")

    assert (lost.acknowledged, lost.tries) == (False, 1)
    own_redis.start()

    async def taken() -> bool:
        return (await people.mention("cartservice is slow")).acknowledged

    await eventually(taken, seconds=15)
    assert len(await entries(service.bus, INCIDENTS)) == 1
