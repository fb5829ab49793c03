"""With a catalogue an alarm is about the service that it names, and about no other one.

A name that stood anywhere in another one was taken for it: the crash loop of `research` was a
repetition of `search`'s, and nobody heard of it.
"""

import json

import pytest

from bus.cleaning import clean
from bus.events import Alarm
from services.ingest import alertmanager
from services.ingest.naming import service_of
from services.ingest.trigger import Raised
from tests.conftest import MakeBus
from tests.ingest.bodies import alert, alerts
from tests.ingest.shift import Shift

KNOWN = [
    "ad",
    "api",
    "auth",
    "cart",
    "db",
    "search",
    "ui",
    "web",
    "order-worker",
    "checkoutservice",
]


@pytest.mark.parametrize(
    ("alarm", "service"),
    [
        (Alarm(name="x", labels={"pod": "research-7c9f6d5b84-x2k4q"}), "research"),
        (Alarm(name="x", labels={"ServiceName": "downloader"}), "downloader"),
        (Alarm(name="x", labels={"service": "author"}), "author"),
        (Alarm(name="x", labels={"service": "capital"}), "capital"),
        (Alarm(name="x", labels={"deployment": "webhook-relay"}), "webhook-relay"),
        (Alarm(name="x", labels={"deployment": "search-indexer"}), "search-indexer"),
        (Alarm(name="x", labels={"service": "research", "container": "api"}), "research"),
        (Alarm(name="cart errors", labels={"service": "author"}), "author"),
        (Alarm(name="x", labels={"QueueName": "uploads-dlq"}), "uploads-dlq"),
        (Alarm(name="HighLoadAverage"), "load"),
        (Alarm(name="rapid-scaling-failed"), "rapid-scaling"),
    ],
)
def test_another_service_whose_name_holds_a_listed_one_is_believed_as_it_stands(
    alarm: Alarm, service: str
) -> None:
    assert service_of(alarm, KNOWN) == service


@pytest.mark.parametrize(
    ("alarm", "service"),
    [
        (Alarm(name="x", labels={"service": "Search"}), "search"),
        (Alarm(name="x", labels={"service": "searchservice"}), "search"),
        (Alarm(name="x", labels={"service": "prod-search-svc"}), "search"),
        (Alarm(name="x", labels={"pod": "search-canary-7c9f6d5b84-x2k4q"}), "search"),
        (Alarm(name="x", labels={"FunctionName": "orderWorkerLambda"}), "order-worker"),
        (Alarm(name="x", labels={"service": "checkout-service"}), "checkoutservice"),
        (Alarm(name="x", labels={"QueueName": "prod-cart-dlq"}), "cart"),
        (Alarm(name="CartErrors"), "cart"),
        (Alarm(name="cartservice-error"), "cart"),
        (Alarm(name="shop/web.latency"), "web"),
        (Alarm(name="order worker is late"), "order-worker"),
        (Alarm(name="x", metric="checkoutserviceErrorCount"), "checkoutservice"),
        (Alarm(name="ad-api-5xx"), "api"),
    ],
)
def test_a_listed_service_is_found_by_whole_words(alarm: Alarm, service: str) -> None:
    assert service_of(alarm, KNOWN) == service


async def test_the_crash_loop_of_another_service_is_an_incident_of_its_own(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"))
    shift.triggers.services = ["search", "cart"]

    def crash_loop(pod: str) -> Raised:
        body = alerts(alert("KubePodCrashLooping", deployment="", pod=pod))
        (found,) = alertmanager.read(json.loads(body), clean=clean)
        assert isinstance(found, Raised)
        return found

    first = await shift.triggers.take(crash_loop("search-7c9f6d5b84-x2k4q"))
    await shift.end(first.incident_id)
    other = await shift.triggers.take(crash_loop("research-7c9f6d5b84-abcde"))

    assert (first.outcome, other.outcome) == ("opened", "opened")
    assert [each.service for each in await shift.incidents()] == ["search", "research"]
