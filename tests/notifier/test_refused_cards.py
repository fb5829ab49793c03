"""Slack refuses the blocks of a card: a plainer one stands in its place, and keeps what it can."""

from pathlib import Path

import pytest

from services.notifier.report import live_card
from simulator.faults import Fault
from tests.notifier.conftest import MakeReplica
from tests.notifier.slack_desk import CHANNEL, Desk
from tests.notifier.test_routing import CART, ROUTED


@pytest.mark.parametrize("times", [1, 2])
async def test_card_that_is_refused_after_its_channel_gave_way_belongs_where_it_did(
    desk: Desk, make_replica: MakeReplica, tmp_path: Path, times: int
) -> None:
    """The second try began anew, with the first channel, and took the default for that."""
    (path := tmp_path / "services.toml").write_text(ROUTED)
    replica = make_replica(catalog=path)
    record = await replica.open()
    where = f"chat. {CHANNEL}"
    desk.planned.plan(Fault(stand_in="slack", fault="invalid_blocks", where=where, times=times))
    await replica.messages.place(record, live_card(record))
    assert desk.calls("chat.postMessage") == 2 + times
    assert f"belongs in channel {CART}" in desk.said()
    assert (await replica.slack_state("inc-7"))["moved"] == CART
    await replica.closing.close(await replica.end(record))
    (message,) = desk.messages
    assert f"belongs in channel {CART}" in desk.said()
    assert message.now.blocks


@pytest.mark.parametrize(("refusals", "buttons"), [(1, 1), (2, 0)])
async def test_placeholder_whose_blocks_are_refused_keeps_its_button_where_slack_takes_one(
    desk: Desk, make_replica: MakeReplica, refusals: int, buttons: int
) -> None:
    desk.planned.plan(
        Fault(stand_in="slack", fault="invalid_blocks", where="chat.postMessage", times=refusals)
    )
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    (message,) = desk.messages
    assert "investigating cartservice: HTTP 500 on checkout" in desk.said()
    assert str(message.now.blocks).count("nightshift_stop") == buttons
