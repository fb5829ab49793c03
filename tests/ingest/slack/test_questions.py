"""A question that names one service by its whole name is about that service."""

import pytest

from bus.events import IncidentOpened
from bus.tracing import Tracing
from services.ingest.adapters.reading_room import ReadingRoom
from services.ingest.handlers import Triggers
from services.ingest.service_choice import named_within
from services.ingest.slack_desk import SlackDesk
from services.ingest.slack_people import Allowed
from services.ingest.slack_reading import Asked, Person
from services.ingest.strict_json import document
from tests.ingest.slack.conftest import SERVICES
from tests.ingest.test_intake import MemoryFingerprints


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("why is cartservice slow?", "cartservice"),
        ("please look at Payment-Service, it hangs", "payment-service"),
        ("why is the cart slow?", ""),
        ("is frontend slow or cartservice?", ""),
        ("cartservise cartservice", ""),
        ("checkout; cartservice", ""),
        ("why?", ""),
        ("", ""),
    ],
)
def test_the_one_service_of_a_question_is_found(text: str, service: str) -> None:
    assert named_within(text, SERVICES) == service


def test_a_byte_order_mark_before_json_is_no_fault_of_it() -> None:
    """Alertmanager's door answered 400."""
    assert document(b'\xef\xbb\xbf{"version":"4"}') == {"version": "4"}


class Unhurried:
    """A pace that lets everybody ask."""

    async def allows(self, by: Person, what: str = "", *, is_press: bool = False) -> bool:
        return True


async def test_a_question_opens_an_incident_about_its_service_with_all_of_it_as_note() -> None:
    """`@nightshift why is cartservice slow?` was refused: there is no service "why"."""
    written = MemoryFingerprints()
    core = Triggers(written, Tracing("ingest", "ingest-1"), ReadingRoom())
    desk = SlackDesk(core, written, Unhurried(), Allowed(), SERVICES)
    by = Person("U0ADA", "T0SHOP", home="T0SHOP", channel="C0SHOP")

    answer = await desk.on_asked(Asked(by, "why is cartservice slow?", "1"))

    (incident,) = [each for events in written.written.values() for each in events]
    assert isinstance(incident, IncidentOpened)
    assert (incident.service, incident.note) == ("cartservice", "why is cartservice slow?")
    assert not answer.refused
