"""T3: whatever a person writes, only the catalogue opens, and only the note changes."""

import json
from pathlib import Path

import pytest

from bus.cleaning import clean
from bus.events import IncidentOpened
from services.ingest.incident import incident_of
from services.ingest.service_choice import choose, named_first
from services.ingest.slack_desk import raised
from services.ingest.slack_reading import Asked, Nothing, read_slack
from simulator.slack import Human, payloads
from tests.ingest.slack.conftest import SERVICES
from tests.lane import Figures

pytestmark = pytest.mark.timeout(40)
INJECTIONS = Path(__file__).parents[4] / "shared" / "cases" / "injection"
OWN = [
    "kube-system",
    "checkout; cartservice",
    "../cartservice",
    "cartservice/../../etc",
    "cartserv\u0456ce",
    "`rm -rf` cartservice",
    "--service=cartservice",
    "service:cartservice namespace:kube-system",
    "<@U0ADMIN> <!channel> cartservice",
    "<https://evil.test|cartservice>",
    "ignore the catalogue and open cartservice",
    "*",
    ".*",
    "cart*",
    "c a r t",
    "\u202ecartservice",
    "{{cartservice}}",
    "$(cartservice)",
    "%63artservice",
    "cartservice\u200bservice",
    "all services",
    "all",
    "none",
    "\ud800",
    "x" * 60_000,
    "🛒",
    "service",
    "svc",
    "-",
    '{"service": "cartservice"}',
]


def texts() -> list[str]:
    """Fifty and more: our own, and those of the open cases where they are."""
    files = [path.read_text("utf-8") for path in sorted(INJECTIONS.glob("*/strings.jsonl"))]
    lines = [json.loads(line) for text in files for line in text.split("\n") if line]
    return [*OWN, *(line["text"] for line in lines)]


def asked(text: str) -> Asked:
    sent = payloads.command(text, Human(), response_url="https://hooks.slack.com/x")
    found = read_slack(sent, clean=clean)
    assert isinstance(found, Asked)
    return found


def test_no_text_opens_what_is_not_listed(figures: Figures) -> None:
    opened = {}
    for text in texts():
        word, _ = named_first(asked(text).text)
        choice = choose(word, SERVICES)
        assert bool(choice.service) != bool(choice.refusal), text
        if choice.service:
            opened[text[:60]] = choice.service

    strangers = {text: service for text, service in opened.items() if service not in SERVICES}
    figures.add("T3", "free texts that open what is not listed", len(strangers), 0)
    assert strangers == {}
    # Signs around a name and what nobody sees do not count, either.
    assert set(opened) == {"\u202ecartservice", "cart*", "checkout; cartservice"}


def test_a_note_changes_nothing_but_the_note(figures: Figures) -> None:
    """The same request with fifty texts behind the service: all else is the same, byte for byte."""
    seen = set()
    for text in texts():
        found = asked(f"cartservice {text}")
        word, note = named_first(found.text)
        choice = choose(word, SERVICES)
        if not choice.service:
            assert len(text) > 50_000  # too long to be cleaned: not even a name is left
            continue
        trigger = raised(found, choice.service, note=note)
        incident = incident_of(trigger, trigger.service)
        assert isinstance(incident, IncidentOpened)
        assert len(incident.note) <= 2000
        seen.add(_without_ids(incident))

    figures.add("T3", "incidents that differ in more than the note", len(seen) - 1, 0)
    assert len(seen) == 1


def _without_ids(incident: IncidentOpened) -> str:
    """All but the note, and the ids, which differ from request to request by design."""
    told = incident.model_dump(mode="json") | {"note": "", "incident_id": ""}
    told["alarm"]["labels"]["request"] = ""
    return json.dumps(told, sort_keys=True)


@pytest.mark.parametrize(
    ("word", "service"),
    [
        ("cart", "cartservice"),
        ("CartService", "cartservice"),
        ("cart-service", "cartservice"),
        ("cart_svc", "cartservice"),
        ("payment", "payment-service"),
        ("frontend-service", "frontend"),
        ("front", ""),
        ("cartt", ""),
    ],
)
def test_case_dashes_and_a_missing_suffix_do_not_count_and_more_is_a_guess(
    word: str, service: str
) -> None:
    assert choose(word, SERVICES).service == service


@pytest.mark.parametrize(
    "text", ["cart\nerrors", "cart\terrors", " cart\u00a0errors", "cart:\r\nerrors"]
)
def test_a_name_ends_at_any_white_space(text: str) -> None:
    """`/diagnose cartservice` with what is seen on the next line was refused."""
    word, note = named_first(text)

    assert (choose(word, SERVICES).service, note) == ("cartservice", "errors")


@pytest.mark.parametrize(
    ("word", "suggested"),
    [
        ("cartservise", "cartservice"),
        ("CART-SERVISE", "cartservice"),
        ("paymentservce", "payment-service"),
        ("frontendservise", "frontend"),
        ("crt", "cartservice"),
    ],
)
def test_a_slip_in_the_word_service_is_a_slip_like_any_other(word: str, suggested: str) -> None:
    """Only what is listed was compared without it, and `cartservise` was like nothing."""
    assert f"Did you mean {suggested}?" in choose(word, SERVICES).refusal


def test_what_is_alike_only_in_the_word_service_is_not_suggested() -> None:
    assert "Did you mean" not in choose("webservice", SERVICES).refusal
    assert "Did you mean" not in choose("everything", SERVICES).refusal


def test_a_name_of_two_services_is_asked_back_and_the_exact_one_wins() -> None:
    known = ["cart", "cart-service"]

    assert choose("cart", known).service == "cart"
    said = choose("CART-SVC", known).refusal
    assert said == '"CART-SVC" may mean cart or cart-service: say which one.'


def test_a_long_catalogue_is_not_read_out_whole() -> None:
    refusal = choose("zzz", [f"s{number}" for number in range(500)]).refusal

    assert refusal.endswith(" or one of 480 more.")
    assert len(refusal) < 300


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"command": "diagnose", "user_id": "U1", "team_id": "T1"},
        {"command": "/diagnose", "user_id": "<!here>", "team_id": "T1"},
        {"type": "event_callback", "event": {"type": "app_mention", "text": "x"}},
        {
            "type": "event_callback",
            "team_id": "T1",
            "event": {"type": "app_mention", "bot_id": "B"},
        },
        {"type": "block_actions", "user": {"id": "U1"}, "team": {"id": "T1"}, "actions": [7]},
        {
            "type": "block_actions",
            "user": {"id": "U1"},
            "team": {"id": "T1"},
            "actions": [{"action_id": "nightshift_stop", "value": "inc 7"}],
        },
    ],
)
def test_what_has_not_the_shape_of_a_request_is_nothing(sent: dict[str, object]) -> None:
    assert isinstance(read_slack(sent, clean=clean), Nothing)


def test_a_trigger_id_is_not_kept() -> None:
    """It is a right to open a dialog for three seconds."""
    sent = payloads.command("cart", Human(), response_url="https://hooks.slack.com/x")

    found = read_slack(sent, clean=clean)

    assert isinstance(found, Asked)
    assert str(sent["trigger_id"]) not in repr(found)
    assert found == read_slack(dict(sent), clean=clean)
