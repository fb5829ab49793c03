"""What SNS posts has its effect, once, whichever version signs it."""

import asyncio
import json

import pytest

from bus.events import IncidentOpened, NoticeRequested
from bus.streams import INCIDENTS, NOTICES
from bus.testing import dead_letters, entries, events
from simulator.aws.certificates import Authority, Wanted
from simulator.aws.sns_sender import SnsSender
from tests.ingest.bodies import flat_alarm
from tests.ingest.http.conftest import SNS, TOPIC, Got, Open


@pytest.mark.timeout(40)
async def test_what_sns_signed_has_its_effect_once_however_often_it_comes(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    """Before Redis 7.2 each answer takes two seconds: so all of it at once, then all again."""
    doors = await open_doors()
    confirmed_before = len(sns_sender.confirmed)
    unreadable = flat_alarm("unreadable")[:-9]
    posted = [
        sns_sender.notification(flat_alarm("first"), topic_arn=TOPIC, version="1"),
        sns_sender.notification(flat_alarm("second"), topic_arn=TOPIC, subject="A", version="2"),
        sns_sender.notification("hello", topic_arn=TOPIC),
        sns_sender.notification(unreadable, topic_arn=TOPIC),
        sns_sender.confirmation(TOPIC, kind="SubscriptionConfirmation", version="2"),
        sns_sender.confirmation(TOPIC, kind="UnsubscribeConfirmation"),
    ]

    async def all_of_it() -> list[Got]:
        return await asyncio.gather(
            *(doors.post(SNS, each.body, each.headers) for each in posted for _ in range(3))
        )

    first, again = await all_of_it(), await all_of_it()

    assert {got.status for got in first + again} == {200}
    assert {got.said["outcome"] for got in again} == {"repeated"}
    opened = await events(doors.bus, INCIDENTS)
    assert [type(event) for event in opened] == [IncidentOpened, IncidentOpened]
    assert len(await dead_letters(doors.bus, INCIDENTS)) == 1
    assert set(sns_sender.confirmed[confirmed_before:]) == {TOPIC}
    notices = await events(doors.bus, NOTICES)
    said = sorted(event.text[:40] for event in notices if isinstance(event, NoticeRequested))
    assert len(said) == 3
    assert any("Nightshift confirmed its subscription" in text for text in said)
    assert any("was unsubscribed" in text or "Nightshift's address" in text for text in said)


async def test_neither_unsigned_fields_nor_a_certificate_without_its_issuer_mislead(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    """A queue body with `Records` is taken record by record; in a signed message it is a trick.

    Certificates of AWS are served alone, and say where their issuer's is.
    """
    doors = await open_doors()
    posted = sns_sender.notification(flat_alarm("real"), topic_arn=TOPIC)
    beside = {"Records": [{"body": flat_alarm("forged")}], "AlarmName": "forged"}
    below = Authority("between", sns_sender.authority)
    issuer = sns_sender.serve_issuer(below)
    signing = below.issue(Wanted(["sns.amazonaws.com"], issuer_url=issuer))
    other = sns_sender.notification(flat_alarm("below"), topic_arn=TOPIC)
    fields = {k: v for k, v in other.fields.items() if not k.startswith("Sign")}
    url = sns_sender.serve(signing)
    signed = sns_sender.signed(fields, version="2", signing=signing, certificate_url=url)

    got = await asyncio.gather(
        doors.post(SNS, json.dumps(posted.fields | beside).encode(), posted.headers),
        doors.post(SNS, signed.body, signed.headers),
    )

    assert [each.status for each in got] == [200, 200]
    opened = await events(doors.bus, INCIDENTS)
    names = {e.alarm.name for e in opened if isinstance(e, IncidentOpened) and e.alarm}
    assert names == {"real", "below"}


async def test_while_sns_is_silent_a_message_is_not_taken_and_may_come_again(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    doors = await open_doors(sns_endpoint="https://127.0.0.1:1")
    posted = sns_sender.notification(flat_alarm(), topic_arn=TOPIC)
    url = f"https://127.0.0.1:1/SimpleNotificationService-{'0' * 32}.pem"
    fields = {k: v for k, v in posted.fields.items() if not k.startswith("Sign")}
    signed = sns_sender.signed(fields, version="2", certificate_url=url)

    got = await doors.post(SNS, signed.body, signed.headers)

    assert got.status == 503
    assert got.headers["Retry-After"] == "5"
    assert await entries(doors.bus, INCIDENTS) == []
