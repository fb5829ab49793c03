"""Stop and feedback, over the real wire: one effect, an honest answer, a reason without a token."""

import pytest

from bus.events import FeedbackGiven, IncidentOpened, InvestigationId, StopRequested
from bus.process import Service
from bus.streams import DIAGNOSES, INCIDENTS, STOPS, UPDATES
from bus.testing import entries, events
from services.notifier.blocks import feedback_buttons, stop_button
from simulator.slack import Human, People
from simulator.slack.people import NoSuchButton
from simulator.slack.store import Message, Version
from tests.ingest.slack.conftest import CHANNEL, StartIngest
from tests.ingest.slack.test_asking import told

pytestmark = pytest.mark.timeout(40)
INV = InvestigationId("inc-7")


@pytest.fixture
async def service(slack_ingest: StartIngest) -> Service:
    """Ingest on a socket, and an investigation that runs."""
    service = await slack_ingest(slack_signing_secret=None)
    incident = IncidentOpened(service="cartservice", summary="slow", incident_id=str(INV))
    await service.bus.publish(incident)
    (entry,) = await entries(service.bus, INCIDENTS)
    await service.bus.investigations.open(incident, entry, acknowledge=False)
    return service


def card(people: People, *blocks: object) -> Message:
    """A message of the notifier with those blocks."""
    ts = people.world.next_ts()
    message = Message(CHANNEL, ts, [Version(ts, "card", list(blocks))])
    people.world.messages.append(message)
    return message


async def test_stop_ends_the_investigation_once_and_a_second_press_is_told_so(
    service: Service, people: People
) -> None:
    shown = card(people, stop_button(INV))

    await people.press(shown, "nightshift_stop")
    assert await told(people, 1) == "`inc-7` is stopped."
    await people.press(shown, "nightshift_stop", by=Human(user="U0BOB"))
    assert "had ended already: cancelled" in await told(people, user="U0BOB")

    record = await service.bus.investigations.read(INV)
    assert record is not None
    assert (record.state, record.outcome) == ("ended", "cancelled")
    (stop,) = await events(service.bus, STOPS)
    assert isinstance(stop, StopRequested)
    assert stop.outcome == "cancelled"
    assert len(await entries(service.bus, DIAGNOSES)) == 1


async def test_a_thumbs_down_counts_at_once_and_its_reason_follows(
    service: Service, people: People
) -> None:
    shown = card(people, feedback_buttons(INV))

    await people.press(shown, "nightshift_not_useful")
    assert await told(people, 1) == "Noted. What was wrong with it?"
    form = people.world.messages[-1]
    await people.press(form, "nightshift_reason_send", typed="it was the &lt;cache&gt;")
    assert "your reason is noted" in await told(people, 2)

    given = [each for each in await events(service.bus, UPDATES) if isinstance(each, FeedbackGiven)]
    assert [(each.useful, each.reason) for each in given] == [
        (False, ""),
        (False, "it was the <cache>"),
    ]
    assert {each.person for each in given} == {"U0ADA"}
    assert people.socket.violations == []


async def test_a_thumbs_up_counts_at_once_and_takes_a_reason_too(
    service: Service, people: People
) -> None:
    """Only a thumbs-down was asked for one."""
    await people.press(card(people, feedback_buttons(INV)), "nightshift_useful")
    await told(people, 1)
    form = people.world.messages[-1]
    await people.press(form, "nightshift_useful_reason_send", typed="the line was right")
    assert "your reason is noted" in await told(people, 2)

    given = [each for each in await events(service.bus, UPDATES) if isinstance(each, FeedbackGiven)]
    assert [(each.useful, each.reason) for each in given] == [
        (True, ""),
        (True, "the line was right"),
    ]


async def test_the_same_button_twice_is_one_judgement_with_an_honest_second_answer(
    service: Service, people: People
) -> None:
    shown = card(people, feedback_buttons(INV))

    await people.press(shown, "nightshift_useful")
    assert await told(people, 1) == "Thank you, that is noted. What helped? You need not say."
    await people.press(shown, "nightshift_useful")
    assert await told(people, 2) == "You said so already; you may add a reason."

    assert len(await entries(service.bus, UPDATES)) == 1


async def test_whoever_has_asked_too_often_can_still_stop_and_judge(
    slack_ingest: StartIngest, people: People
) -> None:
    """Ten questions within a minute, and what they had opened could not be stopped."""
    await slack_ingest(slack_signing_secret=None, slack_per_minute=1)
    for number, text in enumerate(("cartservice", "frontend"), 1):
        await people.command(text)
        last = await told(people, number)
    assert "too many requests" in last

    stop = card(people, stop_button(InvestigationId("inc-gone")))
    for number in range(11):
        await people.press(stop, "nightshift_stop")
        assert ("too many requests" in await told(people, 3 + number)) == (number == 10)


async def test_a_button_of_what_is_gone_changes_nothing_and_says_so(
    service: Service, people: People
) -> None:
    shown = card(people, stop_button(InvestigationId("inc-gone")))

    await people.press(shown, "nightshift_stop")

    assert "Nothing was changed: there is no investigation inc-gone" in await told(people)
    assert await entries(service.bus, STOPS) == []


async def test_a_stranger_of_a_shared_channel_stops_nothing(
    service: Service, people: People
) -> None:
    shown = card(people, stop_button(INV))

    await people.press(shown, "nightshift_stop", by=Human(user="U0EVE", team="T0ELSEWHERE"))

    assert "does not work for this workspace" in await told(people, user="U0EVE")
    assert await entries(service.bus, STOPS) == []


async def test_a_person_presses_only_what_the_card_shows(people: People) -> None:
    shown = card(people, stop_button(INV))
    shown.versions.append(Version(people.world.next_ts(), "ended", [feedback_buttons(INV)]))

    with pytest.raises(NoSuchButton):
        await people.press(shown, "nightshift_stop")
