"""Which channel a message goes to, and that it is decided once and kept to."""

import contextlib
from pathlib import Path

import pytest

from bus.errors import NotConfigured, Unavailable
from bus.events import IncidentOpened
from services.ingest.adapters.catalog_file import known_services
from services.notifier.adapters.catalog_file import routes
from services.notifier.ports import Unanswered
from services.notifier.report import live_card
from services.notifier.routing import named_in, routes_from
from services.reasoner.service_catalogue import service_catalogue
from simulator.faults import Fault
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.records import opened
from tests.notifier.slack_desk import CHANNEL, Desk, texts

CART, SHOP, CRITICAL = "C0CARTTEAM", "C0SHOPTEAM", "C0CRITICAL"
PLAIN = """
[services.cartservice]
owner = "shop"
calls = ["redis-cart"]

[services.emailservice]
owner = "shop"

[services.frontend]
owner = "web"
"""
ROUTED = f"""
[channels.teams]
shop = "{SHOP}"

[channels.severities]
critical = "{CRITICAL}"
{PLAIN.replace("[services.cartservice]", f'[services.cartservice]{chr(10)}channel = "{CART}"')}
"""


@pytest.mark.parametrize(
    ("service", "severity", "channel"),
    [
        ("cartservice", "critical", CART),
        ("emailservice", "critical", SHOP),
        ("frontend", "critical", CRITICAL),
        ("frontend", "error", CHANNEL),
        ("nobody-knows-it", "critical", CRITICAL),
        ("nobody-knows-it", "error", CHANNEL),
    ],
)
def test_service_goes_before_team_before_severity_before_default(
    service: str, severity: str, channel: str
) -> None:
    values = {"service": service, "severity": severity, "summary": "500", "incident_id": "inc-1"}
    record = opened(incident=IncidentOpened.model_validate(values))
    assert routes_from(ROUTED, CHANNEL).channel_of(record) == channel
    assert routes_from(PLAIN, CHANNEL).channel_of(record) == CHANNEL
    assert routes(None, CHANNEL).channel_of(record) == CHANNEL


def test_names_alone_can_be_routed_by_severity() -> None:
    text = f'services = ["a"]\n[channels.severities]\nwarning = "{SHOP}"'
    assert routes_from(text, CHANNEL).severities == {"warning": SHOP}


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ('[services.a]\nchannel = "#cart"', "services.a.channel", "must be the id of a channel"),
        ('[services.a]\nslack = "C0CART"', "services.a.slack", "not permitted"),
        ('[slack.teams]\nshop = "C0SHOPTEAM"', "slack", "not permitted"),
        ('[services.a]\nchannel = ""', "services.a.channel", "must be the id of a channel"),
        ("[services.a]\nchannel = 3", "services.a.channel", "string"),
        ('[channels.teams]\nshop = "C0SHOPTEAM"', "channels.teams.shop", "no service has that"),
        (
            '[services.a]\nowner = "shop"\n[channels.teams]\nshop = "shop"',
            "channels.teams.shop",
            "must be the id of a channel",
        ),
        ('[channels.severities]\nurgent = "C0CRITICAL"', "channels.severities.urgent", "warning"),
        ('[channels]\nservices = "C0CRITICAL"', "channels.services", "not permitted"),
        ("[services.a", "", "Expected"),
    ],
)
def test_what_cannot_be_a_route_is_named_with_file_and_key(
    text: str, key: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "services.toml"
    path.write_text(text)
    with pytest.raises(NotConfigured, match=r"services\.toml cannot be used: ") as refused:
        routes(path, CHANNEL)
    assert key in str(refused.value)
    assert why in str(refused.value)


def test_channels_change_nothing_for_the_other_readers_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text(ROUTED)
    assert service_catalogue(ROUTED) == service_catalogue(PLAIN)
    assert "C0" not in service_catalogue(ROUTED)
    assert known_services(path) == ["cartservice", "emailservice", "frontend"]
    with pytest.raises(NotConfigured, match="channels"):
        service_catalogue('[services.a]\nchannels = "C0CARTTEAM"')


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("service:cartservice:storm", ("service", "cartservice")),
        ("incident:inc-7", ("incident", "inc-7")),
        ("dead:incidents:1-0", ("", "")),
        ("services:x", ("", "")),
        ("", ("", "")),
    ],
)
def test_key_of_a_notice_may_name_what_it_is_about(key: str, named: tuple[str, str]) -> None:
    assert named_in(key) == named


@pytest.fixture
def make_routed(desk: Desk, make_replica: MakeReplica, tmp_path: Path) -> MakeReplica:
    """Replicas that send cartservice's incidents to its own channel."""
    desk.stand_in.channels[CART] = "cart"
    path = tmp_path / "services.toml"
    path.write_text(ROUTED)

    def make(**values: object) -> Replica:
        return make_replica(**({"catalog": path} | values))

    return make


async def test_catalogue_that_changes_moves_no_incident_that_is_open(
    desk: Desk, make_replica: MakeReplica, make_routed: MakeReplica
) -> None:
    before, after = make_routed(), make_replica()
    record = await before.open()
    await before.messages.place(record, live_card(record))
    await after.messages.place(record, live_card(record))
    await after.live.show(record.investigation_id, "reading logs", order="1-0")
    await after.closing.close(await after.end(record))
    assert desk.messages == []
    (message,) = desk.stand_in.top_level(CART)
    (stopped,) = await after.stop_signals()
    assert (stopped.channel, stopped.ts) == (CART, message.ts)
    pointer = f"{after.bus.keys.prefix}thread:{CART}:{message.ts}"
    assert await after.bus.redis.get(pointer) == b"inc-7"


@pytest.mark.parametrize("was_sent", [True, False])
async def test_writer_that_died_is_followed_in_the_channel_that_it_had_decided_on(
    desk: Desk, make_replica: MakeReplica, make_routed: MakeReplica, was_sent: bool
) -> None:
    """Between two looks at the catalogue its channel changed, and a message may stand there."""
    dead, successor = make_routed(lease_seconds=0.2), make_replica()
    record = await dead.open()
    inv = record.investigation_id
    turn = await dead.places.take(inv, "place", channel=CART)
    if was_sent:
        await successor.messages.slack.post(live_card(record), inv, channel=turn.channel)
    await successor.messages.place(record, live_card(record, "adopted"))
    assert desk.messages == []
    (message,) = desk.stand_in.top_level(CART)
    assert "adopted" in texts(message.now.blocks)
    assert desk.calls("conversations.history") == 1


async def test_unanswered_post_is_looked_up_in_its_own_channel(
    desk: Desk, make_routed: MakeReplica
) -> None:
    replica = make_routed()
    record = await replica.open()
    desk.faults.next["chat.postMessage"] = ["lost"]
    with pytest.raises(Unanswered):
        await replica.messages.place(record, live_card(record))
    await replica.messages.place(record, live_card(record))
    assert (len(desk.stand_in.top_level(CART)), len(desk.messages)) == (1, 0)


async def test_channel_that_takes_no_messages_sends_its_incident_to_the_default_which_says_so(
    desk: Desk, make_routed: MakeReplica
) -> None:
    replica = make_routed()
    del desk.stand_in.channels[CART]
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    assert f"belongs in channel {CART}" in desk.said()
    desk.stand_in.channels[CART] = "cart"
    await replica.live.show(record.investigation_id, "reading logs", order="1-0")
    await replica.closing.close(await replica.end(record))
    (message,) = desk.messages
    assert f"belongs in channel {CART}" in desk.said()
    assert desk.stand_in.top_level(CART) == []
    (stopped,) = await replica.stop_signals()
    assert (stopped.channel, stopped.ts) == (CHANNEL, message.ts)


async def test_channel_in_which_only_some_may_post_gives_way_and_keeps_nobody_from_being_ready(
    desk: Desk, make_routed: MakeReplica
) -> None:
    replica = make_routed()
    word = "restricted_action_read_only_channel"
    desk.planned.plan(Fault(stand_in="slack", fault=word, where="chat.", times=1))
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    assert f"belongs in channel {CART}" in desk.said()
    assert await replica.messages.slack.problem() == ""


async def test_channel_that_is_closed_while_the_work_goes_on_gets_its_card_in_the_default(
    desk: Desk, make_routed: MakeReplica
) -> None:
    replica = make_routed()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    name = desk.stand_in.channels.pop(CART)
    await replica.live.show(record.investigation_id, "nobody sees it", order="1-0")
    assert desk.messages == []
    ended = await replica.end(record)
    await replica.closing.close(ended)
    await replica.closing.close(ended)
    (message,) = desk.messages
    assert f"belongs in channel {CART}" in desk.said()
    assert "does not let us edit the earlier message" in desk.said()
    (stopped,) = await replica.stop_signals()
    assert (stopped.channel, stopped.ts) == (CHANNEL, message.ts)
    desk.stand_in.channels[CART] = name
    assert len(desk.stand_in.top_level(CART)) == 1


async def test_writer_that_died_on_its_way_to_the_default_is_followed_there(
    desk: Desk, make_routed: MakeReplica
) -> None:
    dead, successor = make_routed(lease_seconds=0.2), make_routed()
    record = await dead.open()
    inv = record.investigation_id
    turn = await dead.places.take(inv, "place", channel=CART)
    await dead.places.moved(inv, turn, channel=CHANNEL)
    await successor.messages.slack.post(live_card(record), inv, channel=CHANNEL)
    await successor.messages.place(record, live_card(record))
    assert len(desk.messages) == 1
    assert f"belongs in channel {CART}" in desk.said()
    assert desk.stand_in.top_level(CART) == []


@pytest.mark.parametrize("placed", [False, True])
async def test_unanswered_post_to_the_default_is_looked_up_there(
    desk: Desk, make_routed: MakeReplica, placed: bool
) -> None:
    """The channel was closed before the first message, or before the final card."""
    replica = make_routed()
    record = await replica.open()
    if placed:
        await replica.messages.place(record, live_card(record))
    del desk.stand_in.channels[CART]
    desk.faults.next["chat.postMessage"] = ["lost"] if placed else ["", "lost"]
    ended = await replica.end(record)
    with pytest.raises(Unanswered):
        await replica.closing.close(ended)
    assert len(desk.messages) == 1
    await replica.closing.close(ended)
    (message,) = desk.messages
    assert desk.calls("chat.delete") == 0
    assert [each.ts for each in await replica.stop_signals()] == [message.ts]


async def test_message_that_may_stand_in_a_closed_channel_is_taken_back_once_that_opens(
    desk: Desk, make_routed: MakeReplica
) -> None:
    replica = make_routed()
    record = await replica.open()
    desk.faults.next["chat.postMessage"] = ["lost"]
    with contextlib.suppress(Unanswered):
        await replica.messages.place(record, live_card(record))
    name = desk.stand_in.channels.pop(CART)
    await replica.messages.place(record, live_card(record))
    await replica.closing.close(await replica.end(record))
    assert len(desk.messages) == 1
    desk.stand_in.channels[CART] = name
    assert len(desk.stand_in.top_level(CART)) == 1
    await replica.messages.second_messages.take_back(record)
    assert (len(desk.stand_in.top_level(CART)), len(desk.messages)) == (0, 1)


async def test_default_channel_that_takes_no_messages_either_waits_and_says_so(
    desk: Desk, make_routed: MakeReplica
) -> None:
    replica = make_routed()
    desk.stand_in.channels.clear()
    record = await replica.open()
    with pytest.raises(Unavailable, match="NIGHTSHIFT_SLACK_CHANNEL"):
        await replica.messages.place(record, live_card(record))
    assert "NIGHTSHIFT_SLACK_CHANNEL" in await replica.messages.slack.problem()
    desk.stand_in.channels[CHANNEL] = "incidents"
    await replica.messages.place(record, live_card(record))
    assert len(desk.messages) == 1
