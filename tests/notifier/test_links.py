"""Links lead to listed hosts and say so; everything else is words."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from bus.errors import NotConfigured
from bus.events import CodeLocation, Evidence, ToolCallId
from bus.tracing import Root
from services.notifier.adapters.known_links import links_of
from services.notifier.calls_made import call_made, calls_made, revision_read
from services.notifier.links import Links, host_of, links, unlinked
from services.notifier.report import final_card
from services.notifier.settings import Settings
from simulator.slack import render_message
from tests.notifier.records import diagnosis, ended

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
FILE = "src/cartservice/src/cartstore/RedisCartStore.cs"
SOURCE = "https://github.com/shop/boutique/blob/{revision}/{path}#L{line}"


def settings(**values: object) -> Settings:
    known = {"SLACK_BOT_TOKEN": SecretStr("x"), "slack_channel": "C0INCIDENTS"}
    return Settings.model_validate(known | values)


def wiki(address: str) -> dict[str, object]:
    known = links(trace_url="", source_url=SOURCE, listed=["wiki.example:8443"], runbooks={})
    return known.element("Runbook", address)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/",
        "https://github.com@evil.test/",
        "https://ada@github.com/",
        "https://xn--gthub-cua.com/",
        "https://g\u0456thub.com/",
        "https://github.com:8443/",
        "https://github.com./",
        "https://github.com\\@evil.test/",
        "https://evil.test/#https://github.com",
        "https://github.com.evil.test/",
        "https://github.com/a b",
        "https://github.com/<!channel>",
        "https://[::1]/",
        "//github.com/",
        "ftp://github.com/",
        "javascript:alert(1)",
        "https://wiki.example/",
        "https://github.com/" + "a" * 2000,
    ],
)
def test_address_that_is_not_listed_is_words(address: str) -> None:
    element = wiki(address)
    assert element["type"] == "text"
    assert str(element["text"]).startswith(f"Runbook: {address[:200]}")


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("https://github.com/shop", "Runbook (github.com)"),
        ("http://GitHub.com:80/shop", "Runbook (github.com)"),
        ("https://wiki.example:8443/cart?x=1#y", "Runbook (wiki.example:8443)"),
        ("https://slack.com/help", "Runbook (slack.com)"),
    ],
)
def test_listed_address_is_a_link_that_names_its_host(address: str, label: str) -> None:
    assert wiki(address) == {"type": "link", "url": address, "text": label}


def test_source_is_linked_at_the_revision_at_which_it_was_read_and_nowhere_else() -> None:
    known = Links(frozenset({"github.com"}), source_url=SOURCE)
    at = "https://github.com/shop/boutique/blob/8d41f0b/src/a%20b%23.cs"
    assert known.source("./src/a b#.cs", 34, revision="8d41f0b") == f"{at}#L34"
    assert known.source("src/a b#.cs", None, revision="8d41f0b") == at
    assert known.source("src/a.cs", 34, revision="") == ""
    assert known.source("src/../../a.cs", 34, revision="main") == ""
    assert Links().source("src/a.cs", 34, revision="main") == ""


def test_revision_is_that_of_the_file_that_is_quoted_or_the_only_one() -> None:
    first = call_made("github__get_file_contents", {"path": f"./{FILE}", "ref": "v1.0"})
    second = call_made("github__get_file_blame", {"path": FILE, "ref": "8d41f0b"})
    other = call_made("github__get_file_contents", {"path": "src/other.cs", "ref": "abc1234"})
    no_ref = call_made("github__get_file_contents", {"path": FILE})
    quote = Evidence(tool_call_id=ToolCallId("2-1"), quote="x", verified=True)
    found = diagnosis(evidence=(quote,))
    one, two, three = ToolCallId("1-1"), ToolCallId("2-1"), ToolCallId("3-1")
    assert revision_read(found, {one: first, three: other}) == "v1.0"
    assert revision_read(found, {one: first, two: second}) == "8d41f0b"
    assert revision_read(diagnosis(), {one: first, three: second}) == "v1.0"
    assert revision_read(diagnosis(evidence=()), {one: first, two: second}) == ""
    assert revision_read(found, {one: no_ref, two: other}) == ""
    unread = diagnosis(unverified=("code_location",))
    assert revision_read(unread, {one: first}) == ""
    assert revision_read(diagnosis(code_location=None), {one: first}) == ""
    assert revision_read(diagnosis(code_location=CodeLocation(path="x")), {one: first}) == ""


@pytest.mark.parametrize("ref", ["../main", "a..b", "x y", "main?x", "<!channel>", "a" * 200])
def test_odd_revision_is_none(ref: str) -> None:
    assert call_made("github__get_file_contents", {"path": FILE, "ref": ref}).revision == ""


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("kubernetes__get_logs", {"namespace": "b", "pod": "cart-x2"}, "log of pod cart-x2"),
        ("kubernetes__list_events", {"namespace": "b"}, "events in b"),
        ("kubernetes__describe_workload", {"kind": "Job", "name": "c"}, "settings of Job c"),
        ("github__get_file_contents", {"path": "a.cs", "ref": "v1"}, "file a.cs at v1"),
        (
            "cloudwatch__search_logs",
            {"log_group": "g", "pattern": "E"},
            "log group g, lines with E",
        ),
        ("pager__get_shift", {"team": "shop", "deep": {"a": 1}}, "get shift (team shop)"),
        ("pager__list_all", {}, "list all"),
        ("kubernetes__get_logs", {"pod": "{name} {0}"}, "log of pod {name} {0}"),
        ("github__search_code", {}, "search code"),
    ],
)
def test_call_is_told_in_words(tool: str, arguments: dict[str, object], words: str) -> None:
    assert call_made(tool, arguments).words == words


def test_calls_are_found_in_the_transcript_by_turn_and_id() -> None:
    def reply(pod: str) -> dict[str, object]:
        used = {"type": "tool_use", "id": "a", "name": "x", "input": {"pod": pod}}
        return {"role": "assistant", "content": [{"type": "text", "text": "hm"}, used, "odd"]}

    transcript: list[dict[str, object]] = [
        {"role": "user", "content": "go"},
        reply("first"),
        reply("second"),
    ]
    made = calls_made(ended("failed"), transcript)
    assert {name: call.words for name, call in made.items()} == {"1-1": "log of pod first"}


def test_runbook_of_the_services_file_is_linked_on_a_listed_host_and_words_elsewhere(
    tmp_path: Path,
) -> None:
    path = tmp_path / "services.toml"
    path.write_text(
        '[services.cartservice]\nowner = "shop"\nrunbook = "https://wiki.example/cart"\n'
        '[services.adservice]\nrunbook = "ask the shop team"\n[services.frontend]\n'
    )
    record = ended("failed")
    unlisted = final_card(record, links=links_of(settings(catalog=path)))
    listed = final_card(record, links=links_of(settings(catalog=path, link_hosts="wiki.example")))
    shown = [render_message({"blocks": list(card.blocks)}) for card in (unlisted, listed)]
    assert "Runbook of cartservice: https://wiki.example/cart\n" in shown[0]
    assert "Runbook of cartservice (wiki.example) (https://wiki.example/cart)" in shown[1]
    assert links_of(settings(catalog=path)).runbooks["adservice"] == "ask the shop team"


def test_settings_say_where_cards_may_lead() -> None:
    known = links_of(
        settings(
            trace_url="http://jaeger.test:16686/trace/{trace_id}",
            repository="shop/boutique",
            link_hosts=" wiki.example , docs.example:8443,",
        )
    )
    hosts = {"jaeger.test:16686", "github.com", "slack.com", "wiki.example", "docs.example:8443"}
    assert known.hosts == hosts
    assert known.source("a.cs", 1, revision="v1") == (
        "https://github.com/shop/boutique/blob/v1/a.cs#L1"
    )
    assert links_of(settings()).source("a.cs", 1, revision="v1") == ""


def templates() -> dict[str, str]:
    """The addresses that docs/tracing.md gives, by whose they are."""
    page = Path(__file__).parents[2] / "docs" / "tracing.md"
    rows = re.findall(r"^\| ([A-Z][^|]+) \| `(http[^`]+)` \|$", page.read_text(), re.MULTILINE)
    return dict(rows)


@pytest.mark.parametrize(
    ("of", "address"),
    [
        ("Jaeger", f"https://jaeger.example.com/trace/{TRACE}"),
        ("Tempo, in Grafana", f"%22query%22%3A%22{TRACE}%22"),
        ("Tempo, in Grafana", "%22from%22%3A%221795488600000%22%2C%22to%22%3A%221795490100000%22"),
        ("Honeycomb", f"?trace_id={TRACE}&trace_start_ts=1795488600&trace_end_ts=1795490100"),
        ("Datadog", "https://app.datadoghq.com/apm/trace/11803532876627986230"),
    ],
)
def test_the_documented_address_of_a_trace_leads_there_from_a_card(of: str, address: str) -> None:
    """Datadog's example is that of the W3C's page: its lower half in decimal."""
    known = links_of(settings(trace_url=templates()[of]))
    opened_at = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    record = ended("diagnosed").changed(
        trace=Root(trace_id=TRACE, span_id="1" * 16),
        opened_at=opened_at,
        deadline_at=opened_at + timedelta(seconds=300),
    )
    card = render_message({"blocks": list(final_card(record, links=known).blocks)})
    (line,) = [line for line in card.splitlines() if line.startswith("Trace (")]
    assert address in line
    assert "{" not in line


def test_every_documented_address_is_tried_here() -> None:
    assert set(templates()) == {"Jaeger", "Tempo, in Grafana", "Honeycomb", "Datadog"}


@pytest.mark.parametrize(
    "values",
    [
        {"trace_url": "https://jaeger.example.com/trace/{trace}"},
        {"trace_url": "https://jaeger.example.com/trace/{trace_id}?at={now}"},
        {"link_hosts": "https://wiki.example"},
        {"link_hosts": "wiki.example/cart"},
        {"link_hosts": "ada@wiki.example"},
        {"link_hosts": "*"},
        {"source_url": "https://github.com/x"},
        {"source_url": "github.com/{revision}/{path}"},
        {"repository": "no-owner"},
    ],
)
def test_odd_settings_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(**values)


def test_services_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text("services = [")
    with pytest.raises(NotConfigured, match="NIGHTSHIFT_CATALOG"):
        links_of(settings(catalog=path))


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("see https://evil.test/?a=1", "see https[:]//evil[.]test/?a=1"),
        ("www.evil.com, evil.io", "www.evil[.]com, evil[.]io"),
        ("evil.zip, EVIL.Mov and evil.com.py.", "evil[.]zip, EVIL[.]Mov and evil.com[.]py."),
        ("evil.\u0440\u0444 or b\xfccher.de", "evil[.]\u0440\u0444 or b\xfccher[.]de"),
        ("values.yaml, app.json, os.environ, v1.Pod", None),
        ("a@evil.com mailto:b@x.y", "a[@]evil[.]com mailto[:]b@x.y"),
        ("RedisCartStore.cs:34 in java.io.IOException", None),
        ("v0.10.6 on 10.0.0.1:6379. It ends", None),
    ],
)
def test_address_in_a_text_is_spelled_so_that_it_is_no_link(text: str, spelled: str | None) -> None:
    assert unlinked(text) == (spelled or text)


def test_host_is_that_which_a_browser_would_ask() -> None:
    assert host_of("https://github.com:443/a") == "github.com"
    assert host_of("https://github.com:80/a") == "github.com:80"
    assert host_of("https://github.com:99999/a") == ""
