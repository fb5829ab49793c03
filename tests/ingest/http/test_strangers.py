"""However many certificates strangers name, what SNS signs is still read.

It was not: ten well-formed messages a minute, each with another address of a certificate, used up
the fetches that all shared, and thirty-two pushed the genuine key out of the one cache.
"""

from datetime import UTC, datetime, timedelta

import pytest

from services.ingest import sns_message
from services.ingest.adapters.http_triggers import sns_over_https
from services.ingest.settings import Settings
from services.ingest.sns_addresses import place_of
from services.ingest.sns_message import Forged
from simulator.aws.sns_sender import Posted, SnsSender
from tests.ingest.bodies import flat_alarm
from tests.ingest.http.conftest import SNS, TOPIC, Doors, Got, Open

ONE, OTHER = "198.51.100.7", "203.0.113.9"
"""Two senders, as the proxy on this machine names them."""
SIGNED = "SubscribeURL is not the confirmation of this topic at SNS"
"""What is only said behind a signature that stands."""


def unknown(sns: SnsSender, number: int) -> Posted:
    """What a stranger posts: well formed, of our topic, and its certificate is not there."""
    posted = sns.notification(flat_alarm(), topic_arn=TOPIC)
    fields = {k: v for k, v in posted.fields.items() if not k.startswith("Sign")}
    url = f"{sns.url}/SimpleNotificationService-{number:032x}.pem"
    return sns.signed(fields, version="2", certificate_url=url)


async def post(doors: Doors, posted: Posted, *, peer: str) -> Got:
    return await doors.post(SNS, posted.body, dict(posted.headers) | {"X-Forwarded-For": peer})


async def genuine(doors: Doors, sns: SnsSender, *, peer: str) -> Got:
    """The answer to something that SNS signed and that has no effect."""
    elsewhere = f"{sns.url}/?Action=Other"
    posted = sns.confirmation(TOPIC, kind="SubscriptionConfirmation", subscribe_url=elsewhere)
    return await post(doors, posted, peer=peer)


async def test_one_stranger_uses_up_no_more_than_his_own_fetches(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    doors = await open_doors()

    statuses = [
        (await post(doors, unknown(sns_sender, number), peer=ONE)).status for number in range(14)
    ]
    got = await genuine(doors, sns_sender, peer=OTHER)

    assert statuses == [403] * 10 + [503] * 4
    assert (got.status, got.said) == (403, {"reason": SIGNED})


async def test_a_certificate_that_was_good_once_is_asked_for_whatever_strangers_do(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    """Another replica, or this one started anew, behind a proxy that shows all as one sender."""
    first = await open_doors()
    assert (await genuine(first, sns_sender, peer=ONE)).said == {"reason": SIGNED}
    second = await open_doors()

    for number in range(14):
        refused = await post(second, unknown(sns_sender, 100 + number), peer=ONE)
    got = await genuine(second, sns_sender, peer=ONE)

    assert refused.status == 503
    assert (got.status, got.said) == (403, {"reason": SIGNED})


async def test_no_address_that_is_refused_pushes_out_a_good_one(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    doors = await open_doors()
    assert isinstance(doors.bus.settings, Settings)
    sns, place = (
        sns_over_https(doors.bus.settings, doors.bus),
        place_of(TOPIC, endpoint=sns_sender.url),
    )
    real = sns_message.read(sns_sender.notification(flat_alarm(), topic_arn=TOPIC).body)
    now = datetime.now(UTC)
    await sns.check(real, place, now=now)

    for number in range(40):
        now += timedelta(seconds=7)
        message = sns_message.read(unknown(sns_sender, number).body)
        with pytest.raises(Forged, match="HTTP 404"):
            await sns.check(message, place, now=now, peer=ONE)
    await sns.check(real, place, now=now)

    assert sns.asked.count(sns_sender.certificate_url) == 1
    assert len(sns.asked) == 41


async def test_the_addresses_of_one_network_are_one_sender(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    doors = await open_doors()

    statuses = [
        (await post(doors, unknown(sns_sender, n), peer=f"2001:db8::{n + 1:x}")).status
        for n in range(11)
    ]
    elsewhere = await post(doors, unknown(sns_sender, 11), peer="2001:db8:0:1::1")

    assert statuses == [403] * 10 + [503]
    assert elsewhere.status == 403
