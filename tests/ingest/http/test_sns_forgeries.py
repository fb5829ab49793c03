"""T1: nobody but SNS opens an incident through the SNS door; it asks nobody else for anything."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bus.streams import DAY, INCIDENTS, NOTICES, UPDATES
from bus.testing import dead_letters, entries
from services.ingest.adapters.redis_seen import RedisSeen
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


async def test_what_sns_signed_at_another_time_is_refused_and_a_person_told_once(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    """SNS gives up after a 403: an alarm that it had tried for too long was lost in silence."""
    doors, now = await open_doors(), datetime.now(UTC)
    taken = sns_sender.notification("x", topic_arn=TOPIC, sent_at=now - timedelta(hours=1))
    await RedisSeen(doors.bus, "sns", DAY).keep(taken.fields["MessageId"])
    got = [(await doors.post(SNS, taken.body, taken.headers)).status]
    assert await entries(doors.bus, NOTICES) == [], "it had its effect when it came first"
    for minutes in (-16, 16, -60):
        at = now + timedelta(minutes=minutes)
        late = sns_sender.notification(flat_alarm(), topic_arn=TOPIC, sent_at=at)
        got.append((await doors.post(SNS, late.body, late.headers)).status)
        changed = late.body.replace(b"cartservice", b"frontend")
        got.append((await doors.post(SNS, changed, late.headers)).status)

    assert got == [403] * 7
    (notice,) = await entries(doors.bus, NOTICES)
    assert "was refused and not read: Timestamp is not within 15 minutes" in notice.fields["data"]
    assert await entries(doors.bus, INCIDENTS) == []
    assert await dead_letters(doors.bus, INCIDENTS) == []


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
