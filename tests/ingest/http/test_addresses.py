"""Which addresses belong to SNS, for topics at AWS itself."""

import pytest
from boto3.session import Session

from services.ingest.adapters.sqs import region_of
from services.ingest.settings import Settings
from services.ingest.sns_addresses import place_of
from services.ingest.sns_message import Forged

TOPIC = "arn:aws:sns:eu-west-1:210987654321:alarms"
HOST = "https://sns.eu-west-1.amazonaws.com"
FILE = "/SimpleNotificationService-01d088a6f77103d0fe307c0069e40ed6.pem"
CODE = "2336412f37fb687f5d51e6e2425f004a"


@pytest.mark.parametrize("url", [HOST + FILE, f"{HOST}:443{FILE}"])
def test_the_certificate_of_the_topics_region_is_followed(url: str) -> None:
    assert place_of(TOPIC).certificate(url) == url


def test_china_and_govcloud_have_hosts_and_names_of_their_own() -> None:
    china = place_of("arn:aws-cn:sns:cn-north-1:210987654321:alarms")
    gov = place_of("arn:aws-us-gov:sns:us-gov-east-1:210987654321:alarms")

    assert china.certificate(f"https://sns.cn-north-1.amazonaws.com.cn{FILE}")
    assert "sns-cn-north-1.amazonaws.com.cn" in china.names
    assert "sns.amazonaws.com" not in china.names
    assert "sns-us-gov-west-1.amazonaws.com" in gov.names


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws-eusc", "eusc-de-east-1", "sns.eusc-de-east-1.amazonaws.eu"),
        ("aws-iso", "us-iso-east-1", "sns.us-iso-east-1.c2s.ic.gov"),
        ("aws-iso-b", "us-isob-east-1", "sns.us-isob-east-1.sc2s.sgov.gov"),
        ("aws-iso-e", "eu-isoe-west-1", "sns.eu-isoe-west-1.cloud.adc-e.uk"),
        ("aws-iso-f", "us-isof-south-1", "sns.us-isof-south-1.csp.hci.ic.gov"),
    ],
)
def test_the_sovereign_and_the_closed_partitions_have_hosts_of_their_own(
    partition: str, region: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic there was refused at the start, and a queue there named no region."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    topic = f"arn:{partition}:sns:{region}:210987654321:alarms"
    queue = f"https://{host.replace('sns', 'sqs')}/210987654321/alarms"

    assert Settings(sns_topics=topic).topics == (topic,)
    assert place_of(topic).certificate(f"https://{host}{FILE}")
    with pytest.raises(Forged):
        place_of(topic).certificate(f"https://sns.{region}.amazonaws.com{FILE}")
    assert region_of(Settings(queue_url=queue), Session()) == region


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.eu-west-1.amazonaws.com{FILE}",
        f"https://sns.eu-central-1.amazonaws.com{FILE}",
        f"https://sns.eu-west-1.amazonaws.com.cn{FILE}",
        f"https://sns.eu-west-1.amazonaws.com.evil.test{FILE}",
        f"https://evil.test/{HOST}{FILE}",
        f"https://sns.eu-west-1.amazonaws.com@evil.test{FILE}",
        f"https://user:word@sns.eu-west-1.amazonaws.com{FILE}",
        f"https://sns.eu-west-1.amazonaws.com:8443{FILE}",
        f"https://sns.eu-west-1.amazonaws.com:443@evil.test{FILE}",
        f"https://SNS.eu-west-1.amazonaws.com{FILE}",
        f"https://sns.eu-west-1.amazonaws.com.{FILE}",
        f"https://sqs.eu-west-1.amazonaws.com{FILE}",
        f"https://s3.amazonaws.com/sns.eu-west-1.amazonaws.com{FILE}",
        f"{HOST}/a{FILE}",
        f"{HOST}/{FILE}",
        f"{HOST}{FILE}?x=1",
        f"{HOST}{FILE}#x",
        f"{HOST}{FILE}/",
        f"{HOST}/SimpleNotificationService-../../x.pem",
        f"{HOST}/SimpleNotificationService-%2e%2e.pem",
        f"{HOST}/SimpleNotificationService-01D088A6F77103D0.pem",
        f" {HOST}{FILE}",
        f"{HOST}{FILE}\n",
        f"{HOST}\\@evil.test{FILE}",
        "",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(Forged):
        place_of(TOPIC).certificate(url)


def asked(**changes: str) -> dict[str, str]:
    url = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={CODE}"
    return {"SubscribeURL": url, "Token": CODE, "TopicArn": TOPIC} | changes


def test_a_confirmation_is_asked_for_at_an_address_of_our_own_making() -> None:
    same = asked()["SubscribeURL"]
    quoted = same.replace(":aws:sns:", "%3Aaws%3Asns%3A")

    assert place_of(TOPIC).confirmation(asked()) == same
    assert place_of(TOPIC).confirmation(asked(SubscribeURL=quoted)) == same


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.test/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={CODE}",
        f"{HOST}@evil.test/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={CODE}",
        f"{HOST}/?Action=DeleteTopic&TopicArn={TOPIC}&Token={CODE}",
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}2&Token={CODE}",
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=other",
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={CODE}&Action=DeleteTopic",
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={CODE}#x",
        f"{HOST}/x?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={CODE}",
        f"{HOST}/",
    ],
)
def test_a_confirmation_of_anything_else_is_refused(url: str) -> None:
    with pytest.raises(Forged):
        place_of(TOPIC).confirmation(asked(SubscribeURL=url))


@pytest.mark.parametrize("topic", ["", "arn:aws:sqs:eu-west-1:210987654321:q", TOPIC + "/x"])
def test_what_is_no_topic_has_no_place(topic: str) -> None:
    with pytest.raises(Forged):
        place_of(topic)
