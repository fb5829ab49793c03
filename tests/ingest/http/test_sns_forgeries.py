"""T1: nobody but SNS opens an incident through the SNS door; it asks nobody else for anything."""

import asyncio

import pytest

from bus.streams import INCIDENTS, NOTICES, UPDATES
from bus.testing import dead_letters, entries
from simulator.aws.sns_sender import SnsSender
from tests.ingest.bodies import flat_alarm
from tests.ingest.http.conftest import SNS, TOPIC, Doors, Open
from tests.ingest.http.forgeries import forgeries, good
from tests.lane import Figures


async def nothing_is_written(doors: Doors) -> bool:
    streams = [await entries(doors.bus, stream) for stream in (INCIDENTS, UPDATES, NOTICES)]
    return not any(streams) and not await dead_letters(doors.bus, INCIDENTS)


@pytest.mark.timeout(40)
async def test_every_forgery_is_refused_and_leads_nowhere(
    open_doors: Open, sns_sender: SnsSender, stranger: SnsSender, figures: Figures
) -> None:
    doors = await open_doors()
    asked_before = len(stranger.asked)
    confirmed_before = len(sns_sender.confirmed)
    tricks = await asyncio.to_thread(lambda: list(forgeries(sns_sender, stranger)))

    answers = {
        trick.name: (await doors.post(SNS, trick.body, trick.headers)).status for trick in tricks
    }

    assert answers == {trick.name: trick.status for trick in tricks}
    assert len(answers) == len(tricks) >= 30
    assert await nothing_is_written(doors)
    assert len(stranger.asked) == asked_before
    assert len(sns_sender.confirmed) == confirmed_before
    figures.add("T1", "forged SNS messages refused", f"{len(tricks)} of {len(tricks)}", "30 of 30")
    figures.add("T1", "requests to a foreign host", 0, 0)
    figures.add("T1", "stream entries", 0, 0)


async def test_a_message_of_version_1_is_refused_where_version_2_is_demanded(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    doors = await open_doors(sns_signature="2")
    posted = sns_sender.notification(flat_alarm(), topic_arn=TOPIC, version="1")

    got = await doors.post(SNS, posted.body, posted.headers)

    assert (got.status, got.said) == (403, {"reason": "signature version 2 is demanded"})
    assert await nothing_is_written(doors)


async def test_strangers_make_ingest_ask_for_certificates_only_so_often(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    doors = await open_doors()
    asked_before = len(sns_sender.asked)
    fields = {k: v for k, v in good(sns_sender).fields.items() if not k.startswith("Sign")}
    statuses = []
    for number in range(14):
        url = f"{sns_sender.url}/SimpleNotificationService-{number:032x}.pem"
        posted = sns_sender.signed(fields, version="2", certificate_url=url)
        got = await doors.post(SNS, posted.body, posted.headers)
        statuses.append(got.status)

    assert statuses == [403] * 10 + [503] * 4
    assert got.headers["Retry-After"] == "20"
    assert len(sns_sender.asked) - asked_before == 10
