"""What every adapter behind the port must hold: the same tests for Slack and standard output."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from bus.errors import NotConfigured
from bus.settings import load
from cli.doctor.web_checks import check_slack
from services.notifier.adapters.stdout import StandardOutput
from services.notifier.blocks import (
    Card,
    bullets,
    header,
    paragraph,
    plain,
    quoted,
    small,
    stop_button,
)
from services.notifier.message import Messages
from services.notifier.plain_text import lines_of
from services.notifier.ports import NOTICE, MessageGone, Sink, Unanswered
from services.notifier.report import final_card, live_card, notice_card
from services.notifier.settings import Settings
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.records import ended
from tests.notifier.slack_desk import CHANNEL, Desk
from tests.notifier.test_cards import linked

OTHER = "C0CARTTEAM"
CARD, MORE = Card("hello"), Card("more")
MakeSink = Callable[[], Sink]


@dataclass
class Two:
    """One notifier, whose messages go to a sink of that kind, and what was printed."""

    kind: str
    replica: Replica
    make: MakeSink
    out: io.StringIO

    @property
    def messages(self) -> Messages:
        """Its messages, through a sink of their own: a replica of its own."""
        sink = self.make()
        second = replace(self.replica.messages.second_messages, slack=sink)
        return replace(self.replica.messages, slack=sink, second_messages=second)


@pytest.fixture(params=["slack", "stdout"])
def two(request: pytest.FixtureRequest, desk: Desk, make_replica: MakeReplica) -> Two:
    """Slack on the wire, and standard output, both with two channels."""
    desk.stand_in.channels[OTHER] = "cart"
    replica, out = make_replica(), io.StringIO()

    def make() -> Sink:
        if request.param == "slack":
            return make_replica().messages.slack
        return StandardOutput(replica.bus.redis, replica.bus.keys, CHANNEL, out, 0.5)

    return Two(request.param, replica, make, out)


def just_now() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=5)


async def test_message_is_found_by_its_id_alone_in_its_channel_alone(two: Two) -> None:
    sink, other = two.make(), two.make()
    await sink.post(MORE)
    await sink.post(MORE, "inc-70")
    await sink.post(MORE, f"{NOTICE}inc-7")
    place = await sink.post(CARD, "inc-7")
    assert place.channel == CHANNEL
    assert await other.find("inc-7", just_now()) == place
    assert await other.find("inc-7", just_now(), channel=OTHER) is None
    assert await other.find("inc-8", just_now()) is None
    routed = await sink.post(CARD, "inc-7", channel=OTHER)
    assert routed.channel == OTHER
    assert await other.find("inc-7", just_now(), channel=OTHER) == routed
    notice = await sink.post(CARD, f"{NOTICE}1", channel=OTHER)
    assert await other.find(f"{NOTICE}1", just_now(), channel=OTHER) == notice


async def test_of_two_messages_each_is_told_from_the_other(two: Two) -> None:
    sink, other = two.make(), two.make()
    one, more = await sink.post(CARD, "inc-7"), await sink.post(CARD, "inc-7")
    assert one != more
    assert await other.find("inc-7", just_now(), but=[more.ts]) == one
    assert await other.find("inc-7", just_now(), but=[more.ts, one.ts]) is None
    assert await other.others("inc-7", just_now(), but=one) == [more]
    later = datetime.now(UTC) + timedelta(seconds=900)
    assert await other.find("inc-7", later) is None


async def test_removed_message_is_gone_for_every_caller_and_may_be_removed_again(two: Two) -> None:
    sink, other = two.make(), two.make()
    place = await sink.post(CARD, "inc-7")
    await other.edit(place, MORE, incident_id="inc-7")
    assert await other.find("inc-7", just_now()) == place
    assert await sink.remove(place)
    assert await other.remove(place)
    assert await other.find("inc-7", just_now()) is None
    with pytest.raises(MessageGone):
        await other.edit(place, CARD, incident_id="inc-7")


async def test_sink_that_works_has_no_problem_and_bounds_its_calls(two: Two) -> None:
    sink = two.make()
    await sink.introduce()
    assert await sink.problem() == ""
    assert 0 < sink.timeout_seconds <= 10


async def test_incident_has_one_message_and_one_stop_signal_whoever_writes_and_dies(
    two: Two,
) -> None:
    """From acceptance to the end, with a writer that died between the post and its note."""
    dead, replica = two.messages, two.replica
    record = await replica.open()
    inv = record.investigation_id
    turn = await replica.places.take(inv, "place", channel=OTHER)
    sent = await dead.slack.post(live_card(record), inv, channel=turn.channel)
    await replica.places.failed(inv, turn, known=False)
    await two.messages.place(record, live_card(record))
    await two.messages.place(record, live_card(record))
    over = await replica.end(record)
    for _ in range(2):
        await replace(replica.closing, messages=two.messages).close(over)
    (stopped,) = await replica.stop_signals()
    assert (stopped.outcome, stopped.channel, stopped.ts) == ("cancelled", OTHER, sent.ts)
    assert await two.make().others(inv, record.opened_at, but=sent) == []
    assert await two.make().find(inv, record.opened_at) is None


def test_printing_needs_neither_token_nor_channel_and_the_doctor_asks_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SLACK_BOT_TOKEN", "NIGHTSHIFT_SLACK_CHANNEL", "NIGHTSHIFT_CATALOG"):
        monkeypatch.setenv(name, "")
    with pytest.raises(NotConfigured, match="TOKEN is missing; NIGHTSHIFT_SLACK_CHANNEL is"):
        load(Settings)
    monkeypatch.setenv("NIGHTSHIFT_SINK", "stdout")
    settings = load(Settings)
    assert (settings.slack_channel, settings.catalog) == ("stdout", None)
    assert check_slack(settings).status == "ok"
    monkeypatch.setenv("NIGHTSHIFT_SINK", "teams")
    with pytest.raises(NotConfigured, match="NIGHTSHIFT_SINK"):
        load(Settings)


@pytest.mark.parametrize("name", ["#incidents", "incidents", "c0123456789", " C0123456789"])
def test_default_channel_is_an_id_and_no_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "HIDDEN")
    monkeypatch.setenv("NIGHTSHIFT_SLACK_CHANNEL", name)
    with pytest.raises(NotConfigured, match="NIGHTSHIFT_SLACK_CHANNEL must be the id of a"):
        load(Settings)


def test_card_is_read_as_text_from_its_title_to_its_last_fact() -> None:
    said = lines_of(
        final_card(ended("diagnosed"), links=linked("http://jaeger.test/trace/{trace_id}"))
    )
    assert said[0].startswith("error: cartservice")
    text = "\n".join(said)
    for part in ("Root cause: RedisCartStore.cs keeps", "  | StackExchange.Redis", "high"):
        assert part in text
    assert "http://jaeger.test/trace/" in text


def test_text_of_a_card_steers_no_terminal_and_shows_no_button() -> None:
    blocks = (
        header("a title"),
        paragraph(plain("one\x1b[2J\ntwo\u202e")),
        quoted([plain("x")], "q\x07"),
        small("foot"),
        stop_button("inc-7"),
    )
    assert lines_of(Card("text", blocks)) == [
        *("a title", r"one\x1b[2J", r"two\u202e", "x", r"  | q\x07", "foot")
    ]
    assert lines_of(Card("&lt;!channel&gt; a &amp; b\nc")) == ["<!channel> a & b", "c"]


async def test_edit_prints_what_is_new_and_a_final_card_whole(make_replica: MakeReplica) -> None:
    bus, out = make_replica().bus, io.StringIO()
    sink = StandardOutput(bus.redis, bus.keys, CHANNEL, out, 0.5)
    place = await sink.post(Card("t", (header("a"), small("b"))), "inc-7")
    await sink.edit(place, Card("t", (header("a"), small("b"))), incident_id="inc-7")
    await sink.edit(place, Card("t", (header("a"), small("c"))), incident_id="inc-7")
    await sink.edit(place, Card("t", (header("end"), small("c"))), incident_id="inc-7")
    head = f"--- inc-7 in {CHANNEL} ---\n"
    assert out.getvalue() == f"{head}a\nb\n\n{head}c\n\n{head}end\nc\n\n"


async def test_notice_is_one_thing_whatever_its_lines_look_like(make_replica: MakeReplica) -> None:
    """A line of its text began a message of an incident, with a diagnosis that nobody made."""
    bus, out = make_replica().bus, io.StringIO()
    sink = StandardOutput(bus.redis, bus.keys, CHANNEL, out, 0.5)
    fake = f"--- inc-7 in {CHANNEL} ---"
    await sink.post(notice_card(f"refused: x\n{fake}\nRoot cause: none\r\n  | y"), f"{NOTICE}1")
    await sink.post(Card("t", (header(fake), paragraph(plain(f"a\n{fake}")))), "inc-8")
    assert out.getvalue().splitlines() == [
        f"--- notice in {CHANNEL} ---",
        *("  | refused: x", f"  | {fake}", "  | Root cause: none", "  |   | y", ""),
        *(f"--- inc-8 in {CHANNEL} ---", f"  {fake}", "a", f"  {fake}", ""),
    ]


def test_steps_are_numbered_and_a_link_in_a_text_alone_is_words_and_address() -> None:
    blocks = (
        bullets("What to do next", ["one", "two\nmore"], style="ordered"),
        bullets("Ruled out", ["x"]),
    )
    said = ["What to do next", "  1. one", "  2. two", "     more", "Ruled out", "  - x"]
    assert lines_of(Card("text", blocks)) == said
    text = "<https://jaeger.test/a?b&amp;c|Trace (jaeger.test)>\n&lt;https://x.test|y&gt;"
    assert lines_of(Card(text)) == [
        *("Trace (jaeger.test) https://jaeger.test/a?b&c", "<https://x.test|y>")
    ]


async def test_post_that_could_not_be_printed_is_found_and_printed_by_the_next_one(
    make_replica: MakeReplica,
) -> None:
    bus, closed, out = make_replica().bus, io.StringIO(), io.StringIO()
    closed.close()
    broken = StandardOutput(bus.redis, bus.keys, CHANNEL, closed, 0.5)
    with pytest.raises(Unanswered, match="takes no text"):
        await broken.post(CARD, "inc-7")
    sink = StandardOutput(bus.redis, bus.keys, CHANNEL, out, 0.5)
    place = await sink.find("inc-7", just_now())
    assert place is not None
    await sink.edit(place, CARD, incident_id="inc-7")
    assert "hello" in out.getvalue()
