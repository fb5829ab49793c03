"""`nightshift publish`: what comes to each door, and one sentence where it cannot."""

import base64
import hashlib
import hmac
import json
import ssl
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store

from bus.cleaning import clean
from cli.publishing.asked import Asked
from cli.publishing.parcels import Door as Sender
from cli.publishing.parcels import Post, Queued, parcels
from cli.publishing.sending import post
from cli.publishing.target import Target
from services.ingest.alarm import read
from services.ingest.naming import service_of
from services.ingest.trigger import Raised, Recovered
from simulator.aws.sns_host import listener
from simulator.aws.sns_signing import SnsKey
from tests.cli.door import door
from tests.cli.nightshift import run

pytestmark = pytest.mark.timeout(90)
GONE = "redis://127.0.0.1:9/0"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:alarms"
TOKEN = "-".join(("a", "token", "of", "this", "test"))
VARIABLES = {
    "NIGHTSHIFT_SNS_TOPICS": f"{TOPIC},{TOPIC}-other",
    "NIGHTSHIFT_ALERTMANAGER_TOKEN": TOKEN,
    "NIGHTSHIFT_LOGS_TOKEN": f"{TOKEN}, the-next-token",
    "SLACK_SIGNING_SECRET": TOKEN,
}
ASKED = Asked(service="cartservice", summary="HTTP 500 on checkout", severity="critical")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sns")
    SnsKey.make(folder, "https://127.0.0.1:8443")
    return folder


@pytest.fixture
def target(keys: Path) -> Target:
    return Target(VARIABLES, "http://127.0.0.1:9", signing=keys)


def posted(sender: Sender, asked: Asked, target: Target) -> list[Post]:
    found = list(parcels(sender, asked, target=target, queue=False))
    assert all(isinstance(each, Post) for each in found)
    return [each for each in found if isinstance(each, Post)]


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        ([], {"REDIS_URL": GONE}, "Redis at redis://127.0.0.1:9/0 cannot be used"),
        (["--sns"], {}, "no `nightshift up` is running here; or name an ingest with --to"),
        (["--eventbridge"], {}, "NIGHTSHIFT_QUEUE_URL is not set: the queue that ingest reads"),
        (["--file", "none.json"], {}, "none.json was not sent: "),
        (["--logs", "--to", "http://127.0.0.1:9"], {}, "NIGHTSHIFT_LOGS_TOKEN is not set"),
    ],
)
def test_what_cannot_be_published_is_one_sentence(
    arguments: list[str], variables: dict[str, str], words: str, tmp_path: Path
) -> None:
    end = run("publish", *arguments, folder=tmp_path, **variables)
    assert end.code == 1
    assert end.output == ""
    (sentence,) = end.errors.splitlines()
    assert sentence.startswith("nightshift publish: ")
    assert words in sentence


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--severity", "awful"], "severity"),
        (["--sns", "--slack"], "--sns"),
        (["--namespace", "default"], "--alertmanager"),
    ],
)
def test_wrong_options_name_themselves_and_exit_two(
    arguments: list[str], word: str, tmp_path: Path
) -> None:
    end = run("publish", *arguments, folder=tmp_path)
    assert end.code == 2
    assert word in end.errors


def test_an_address_is_refused_for_what_goes_into_the_queue(tmp_path: Path) -> None:
    """It was left aside without a word."""
    end = run("publish", "--eventbridge", "--to", "http://127.0.0.1:9", folder=tmp_path)
    assert end.code == 2
    assert "leave it out" in " ".join(end.errors.replace("│", " ").split())


def test_a_command_shows_the_first_answers_and_counts_many(tmp_path: Path) -> None:
    with door() as ingest:
        variables = VARIABLES | {"NO_PROXY": "127.0.0.1"}
        options = ("--slack", "--to", ingest.url, "--service", "cartservice", "--count", "12")
        end = run("publish", *options, folder=tmp_path, **variables)
    assert (end.code, end.errors) == (0, "")
    lines = end.output.splitlines()
    assert lines[:10] == [f"200 {ingest.answer}"] * 10
    assert lines[10:] == ["12 sent: 12 x 200"]
    assert {came.path for came in ingest.came} == {"/slack/events"}
    assert len(ingest.came) == 12


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "another secret"), (404, "this door is closed"), (503, "send it again")],
)
def test_a_refusal_is_a_failure_that_says_what_to_do(
    status: int, words: str, target: Target
) -> None:
    (parcel,) = posted("alertmanager", ASKED, target)
    with door(status) as ingest:
        answer = post(parcel, Target(VARIABLES, ingest.url))
    assert answer.failed
    assert answer.said.startswith(f"{status} ")
    assert words in answer.said


def test_what_was_acknowledged_and_set_aside_is_a_failure_that_says_why(target: Target) -> None:
    """An alarm with a state that nobody can read was answered 200, and `publish` exited with 0."""
    (parcel,) = posted("sns", ASKED, target)
    with door() as ingest:
        ingest.answer = '{"outcome": "refused", "refused": ["an unknown state: 43"]}'
        answer = post(parcel, Target(VARIABLES, ingest.url))
    assert answer.failed
    assert answer.said == "200, but refused: an unknown state: 43"


def test_a_notice_of_sns_is_signed_by_a_certificate_of_its_authority(
    keys: Path, target: Target
) -> None:
    (parcel,) = posted("sns", ASKED, target)
    assert parcel.path == "/triggers/sns"
    assert parcel.headers["x-amz-sns-message-type"] == "Notification"
    envelope = json.loads(parcel.body)
    assert envelope["TopicArn"] == parcel.headers["x-amz-sns-topic-arn"] == TOPIC
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names)
    leaf = x509.load_pem_x509_certificate((keys / "signing.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((keys / "ca.pem").read_bytes())
    policy = PolicyBuilder().store(Store([authority])).max_chain_depth(3)
    policy.build_server_verifier(x509.DNSName("sns.amazonaws.com")).verify(leaf, [])
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(envelope["Signature"])
    key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    found = read(parcel.body, clean=clean)
    assert isinstance(found, Raised)
    assert (found.alarm.account, found.alarm.region) == ("111122223333", "eu-west-1")


async def test_the_hosts_certificate_is_the_one_that_signs_and_it_confirms_subscriptions(
    tmp_path: Path,
) -> None:
    import asyncio

    served = listener(tmp_path)
    key = SnsKey.make(tmp_path, served.address)
    await served.start()
    trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")

    def fetched(path: str) -> bytes:
        with urlopen(f"{served.address}{path}", context=trusted) as answer:
            content: bytes = answer.read()
            return content

    envelope = {"Type": "Notification", "Message": "x", "MessageId": "1", "TopicArn": TOPIC}
    url = key.signed(envelope | {"Timestamp": "now"})["SigningCertURL"]
    certificate = await asyncio.to_thread(fetched, url.removeprefix(served.address))
    confirmed = await asyncio.to_thread(fetched, "/?Action=ConfirmSubscription&Token=1")
    await served.stop()
    assert certificate == (tmp_path / "signing.pem").read_bytes()
    assert b"ConfirmSubscriptionResponse" in confirmed


@pytest.mark.parametrize("sender", ["sns", "eventbridge"])
@pytest.mark.parametrize("recovered", [False, True])
def test_an_alarm_in_the_queue_is_read_as_what_was_asked_for(
    sender: Sender, recovered: bool, target: Target
) -> None:
    asked = Asked(service="cartservice", summary="HTTP 500", severity="warning", count=3, kinds=2)
    asked = Asked(**{**vars(asked), "recovered": recovered})
    found = [
        read(each.body, clean=clean)
        for each in parcels(sender, asked, target=target, queue=True)
        if isinstance(each, Queued)
    ]
    kind = Recovered if recovered else Raised
    alarms = [each.alarm for each in found if isinstance(each, Raised | Recovered)]
    assert [type(each) for each in found] == [kind] * 3
    names = [f"cartservice: HTTP 500 {letter}" for letter in "ABA"]
    assert [alarm.name for alarm in alarms] == names
    assert {service_of(alarm) for alarm in alarms} == {"cartservice"}
    assert {alarm.account for alarm in alarms} == {"111122223333"}


def test_alertmanager_posts_groups_of_one_kind_with_its_token(target: Target) -> None:
    asked = Asked(service="cartservice", summary="HTTP 500", count=120, kinds=2)
    groups = posted("alertmanager", asked, target)
    assert {each.headers["Authorization"] for each in groups} == {f"Bearer {TOKEN}"}
    payloads = [json.loads(each.body) for each in groups]
    assert [len(payload["alerts"]) for payload in payloads] == [50, 10, 50, 10]
    assert [payload["groupLabels"]["alertname"] for payload in payloads] == [
        *["HTTP500A"] * 2,
        *["HTTP500B"] * 2,
    ]
    labels = payloads[0]["alerts"][0]["labels"]
    assert (labels["service"], labels["severity"]) == ("cartservice", "error")


def test_an_alert_names_a_namespace_that_was_given_and_no_place_that_nobody_has(
    target: Target,
) -> None:
    places = {"cluster", "namespace", "pod", "container", "instance", "node"}
    for given in ("", "default"):
        (parcel,) = posted("alertmanager", replace(ASKED, namespace=given), target)
        group = json.loads(parcel.body)
        for labels in (group["commonLabels"], *(alert["labels"] for alert in group["alerts"])):
            told = {name: text for name, text in labels.items() if name in places}
            assert told == ({"namespace": given} if given else {})


def test_firehose_posts_a_batch_of_logs_with_its_access_key(target: Target) -> None:
    import gzip

    (parcel,) = posted("logs", ASKED, target)
    assert parcel.headers["X-Amz-Firehose-Access-Key"] == TOKEN
    body = json.loads(parcel.body)
    assert body["requestId"] == parcel.headers["X-Amz-Firehose-Request-Id"]
    (record,) = body["records"]
    batch = json.loads(gzip.decompress(base64.b64decode(record["data"])))
    assert batch["messageType"] == "DATA_MESSAGE"
    (event,) = batch["logEvents"]
    line = json.loads(event["message"])
    assert (line["severity"], line["service"]) == ("CRITICAL", "cartservice")


def test_slack_signs_the_command_that_a_person_types(target: Target) -> None:
    (parcel,) = posted("slack", ASKED, target)
    fields = parse_qs(parcel.body)
    assert fields["command"] == ["/diagnose"]
    assert fields["text"] == ["cartservice HTTP 500 on checkout"]
    text = f"v0:{parcel.headers['X-Slack-Request-Timestamp']}:{parcel.body}"
    expected = hmac.new(TOKEN.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert parcel.headers["X-Slack-Signature"] == f"v0={expected}"
