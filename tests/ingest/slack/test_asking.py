"""What people do in Slack, over the real wire, and what they are told."""

import asyncio
import re

import pytest

from bus.events import IncidentOpened
from bus.process import Service
from bus.streams import INCIDENTS, NOTICES
from bus.testing import entries, events, eventually
from services.ingest.adapters.redis_pace import RedisPace
from services.ingest.slack_reading import Person
from simulator.slack import Human, People
from tests.conftest import MakeBus
from tests.ingest.slack.conftest import StartIngest, behind_http

pytestmark = pytest.mark.timeout(40)
DOORS = ["socket", "http"]


@pytest.fixture(params=DOORS)
async def service(
    request: pytest.FixtureRequest, slack_ingest: StartIngest, people: People
) -> Service:
    """Ingest, reached by the one or by the other door."""
    if request.param == "http":
        return await behind_http(slack_ingest, people)
    return await slack_ingest(slack_signing_secret=None)


async def told(people: People, count: int = 1, user: str = "U0ADA") -> str:
    """The last of so many answers."""

    async def answered() -> bool:
        return len(people.answers(user)) >= count

    await eventually(answered)
    assert len(people.answers(user)) == count
    return people.answers(user)[-1]


async def opened(service: Service) -> list[IncidentOpened]:
    return [
        each for each in await events(service.bus, INCIDENTS) if isinstance(each, IncidentOpened)
    ]


async def test_a_command_opens_one_incident_about_its_service_with_the_rest_as_note(
    service: Service, people: People
) -> None:
    done = await people.command("Cart it is <slow> &amp; sad, password=hunter2hunter2")

    assert done.acknowledged
    answer = await told(people)
    (incident,) = await opened(service)
    assert incident.service == "cartservice"
    assert incident.trigger == "slack"
    assert incident.note.startswith("it is <slow> & sad, password=[secret")
    assert "hunter2" not in incident.model_dump_json()
    assert incident.alarm is not None
    assert (incident.alarm.account, incident.alarm.region) == ("T0NIGHTSHIFT", "slack")
    assert str(incident.incident_id) in answer
    assert people.socket.violations == []


async def test_a_mention_opens_an_incident_too(service: Service, people: People) -> None:
    done = await people.mention("checkout-service: nobody can pay")

    assert done.acknowledged
    (incident,) = await opened(service)
    assert (incident.service, incident.note) == ("checkoutservice", "nobody can pay")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crtservice is slow", 'no service "crtservice" here. Did you mean cartservice?'),
        ("everything", "I know cartservice, checkoutservice, frontend or payment-service."),
        (
            "",
            "`/diagnose SERVICE [what you see]`, as in `/diagnose cartservice it is slow`. I know",
        ),
        ("Help", "`/diagnose SERVICE [what you see]`"),
        ("please look at it", 'no service "please"'),
    ],
)
async def test_what_is_no_service_opens_nothing_and_the_answer_says_what_there_is(
    by_http: Service, people: People, text: str, said: str
) -> None:
    await people.command(text)

    assert said in await told(people)
    assert await entries(by_http.bus, INCIDENTS) == []


async def test_a_refused_mention_is_answered_by_one_notice(
    by_http: Service, people: People
) -> None:
    await people.mention("crtservice is slow")

    (notice,) = await entries(by_http.bus, NOTICES)
    assert "Did you mean cartservice?" in notice.fields["data"]
    assert await entries(by_http.bus, INCIDENTS) == []


@pytest.mark.parametrize(
    ("limits", "by", "said"),
    [
        ({"slack_teams": "T0OTHER"}, Human(), "this workspace"),
        ({}, Human(team="T0FOREIGN"), "this workspace"),
        ({"slack_channels": "C0OTHER, C0MORE"}, Human(), "this channel"),
        ({"slack_users": "U0BOB"}, Human(), "among the people"),
    ],
)
async def test_somebody_who_may_not_is_told_so_and_nothing_happens(
    slack_ingest: StartIngest,
    people: People,
    limits: dict[str, str],
    by: Human,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = await slack_ingest(slack_signing_secret=None, **limits)

    await people.command("cartservice", by)
    assert said in await told(people)
    await people.mention("cartservice", by)
    await people.mention("crtservice", by)

    assert await entries(service.bus, INCIDENTS) == []
    assert await entries(service.bus, NOTICES) == []
    assert "refused a request from Slack by U0ADA" in caplog.text


async def test_one_person_may_ask_only_so_often_and_others_still_may(
    slack_ingest: StartIngest, people: People
) -> None:
    service = await slack_ingest(slack_signing_secret=None, slack_per_minute=3)

    for number in range(5):
        await people.command("frontend")
        await told(people, number + 1)
    await people.command("cartservice", Human(user="U0BOB"))
    await told(people, user="U0BOB")

    refused = [answer for answer in people.answers() if "too many requests" in answer]
    assert len(refused) == 2
    assert [each.service for each in await opened(service)].count("cartservice") == 1
    (key,) = [key async for key in service.bus.redis.scan_iter(match="*paced:*U0ADA")]
    assert 0 < await service.bus.redis.ttl(key) <= 60


async def test_the_same_asked_again_is_one_of_the_requests_of_a_minute(
    slack_ingest: StartIngest, people: People
) -> None:
    """Twenty identical commands at once used up what the person may ask, and opened one."""
    service = await slack_ingest(
        slack_signing_secret=None, slack_per_minute=3, repeat_seconds=600.0
    )
    again = ["cartservice slow"] * 12
    await asyncio.gather(*(people.command(text) for text in again))
    await told(people, 12)
    assert not any("too many requests" in answer for answer in people.answers())

    others = ["frontend", "checkoutservice", "payment-service", "frontend x"]
    await asyncio.gather(*(people.command(text) for text in others))
    await told(people, 16)

    assert sum("too many requests" in answer for answer in people.answers()) == 2
    assert len(await opened(service)) == 3


async def test_even_the_same_may_be_asked_only_so_often(make_bus: MakeBus) -> None:
    pace = RedisPace(make_bus("ingest"), 3)
    ada = Person(user="U0ADA", team="T0NIGHTSHIFT")

    found = await asyncio.gather(*(pace.allows(ada, "cartservice") for _ in range(35)))

    assert found.count(True) == 30
    assert await pace.allows(Person(user="U0BOB", team="T0NIGHTSHIFT"), "cartservice")


async def test_without_a_catalogue_a_name_is_carried_as_it_is(
    slack_ingest: StartIngest, people: People
) -> None:
    service = await slack_ingest(slack_signing_secret=None, catalog=None)

    asked = ["billing-API is down", "", "help", "../../etc is down"]
    for number, text in enumerate(asked, 1):
        await people.command(text)
        await told(people, number)

    assert [each.service for each in await opened(service)] == ["billing-API", "all services"]
    assert "`/diagnose SERVICE [what you see]`" in people.answers()[2]
    assert "does not look like the name of a service" in people.answers()[-1]


async def test_messages_reactions_and_shortcuts_are_acknowledged_and_mean_nothing(
    service: Service, people: People
) -> None:
    from simulator.slack.payloads import event_callback

    for event in ({"type": "message", "text": "<@U0NIGHTSHIFT> cartservice"}, {"type": "x"}):
        assert (await people.send("events_api", event_callback(event, Human()))).acknowledged
    shortcut = {"type": "shortcut", "callback_id": "x", "team": {"id": "T0NIGHTSHIFT"}}
    assert (await people.send("interactive", shortcut)).acknowledged

    assert await entries(service.bus, INCIDENTS) == []


def test_answers_hold_no_markup_of_a_person() -> None:
    from services.ingest.service_choice import choose
    from services.ingest.slack_answers import refused

    said = refused(choose("<!channel>&", ["cart"]).refusal).text

    assert not re.search(r"<|>|&(?!amp;|lt;|gt;)", said)
