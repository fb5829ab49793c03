"""What a stranger may post to the SNS door, one trick each, by name."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

from simulator.aws.certificates import Authority, Wanted
from simulator.aws.sns_sender import Posted, Served, SnsSender
from tests.ingest.bodies import flat_alarm
from tests.ingest.http.conftest import OTHER_TOPIC, TOPIC


@dataclass(frozen=True)
class Forgery:
    """One request that must be refused, and with which status."""

    name: str
    headers: dict[str, str]
    body: bytes
    status: int = 403


def forgeries(sns: SnsSender, stranger: SnsSender) -> Iterator[Forgery]:
    """Every trick."""
    yield from _altered(sns)
    yield from _certificates(sns, stranger)
    yield from _addresses(sns, stranger)
    yield from _signed_and_still_wrong(sns, stranger)


def good(sns: SnsSender, name: str = "cartservice-error") -> Posted:
    """A message that would be taken."""
    said = flat_alarm(name)
    return sns.notification(said, topic_arn=TOPIC, subject="ALARM in the shop", version="2")


def _of(name: str, posted: Posted, status: int = 403) -> Forgery:
    return Forgery(name, dict(posted.headers), posted.body, status)


def _with(posted: Posted, **changes: str | None) -> Posted:
    fields = posted.fields | {name: value for name, value in changes.items() if value is not None}
    return replace(
        posted, fields={n: v for n, v in fields.items() if changes.get(n, v) is not None}
    )


def _altered(sns: SnsSender) -> Iterator[Forgery]:
    """What was signed, changed afterwards."""
    real, other = good(sns), good(sns, "payments-error")
    said, subject = real.fields["Message"], real.fields["Subject"]
    signature, message_id = real.fields["Signature"], real.fields["MessageId"]
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    bare = sns.notification(said, topic_arn=TOPIC, version="1")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    swallowed = f"{message_id}\nSubject\n{subject}"
    yield _of("a bit of the signature", _with(real, Signature=flipped))
    yield _of("no signature", _with(real, Signature=None), 400)
    yield _of("an empty signature", _with(real, Signature=""), 400)
    yield _of("another message's signature", _with(real, Signature=other.fields["Signature"]))
    yield _of("another message", _with(real, Message=other.fields["Message"]))
    yield _of("another subject", _with(real, Subject="OK"))
    yield _of("a subject that was not signed", _with(bare, Subject="ALARM"))
    yield _of("no subject", _with(real, Subject=None))
    yield _of(
        "text moved to the subject", _with(real, Message=said[:-1], Subject=said[-1] + subject)
    )
    yield _of("a message that swallows", _with(real, Message=f"{said}\nSubject", Subject=None))
    yield _of("an id that swallows", _with(real, MessageId=swallowed, Subject=None), 400)
    yield _of("another id", _with(real, MessageId=other.fields["MessageId"]))
    yield _of("another moment", _with(real, Timestamp=now))
    yield _of("version 2 said to be 1", _with(real, SignatureVersion="1"))
    yield _of("version 1 said to be 2", _with(bare, SignatureVersion="2"))
    yield _of("version 3", _with(real, SignatureVersion="3"), 400)
    confirm = {"Token": "t", "SubscribeURL": sns.url, "Type": "SubscriptionConfirmation"}
    swapped = replace(_with(real, **confirm), headers=dict(real.headers) | _kind(confirm["Type"]))
    yield _of("another type", swapped)
    twice = real.body.replace(b'"Message" :', b'"Message" : "{}",\n  "Message" :', 1)
    yield Forgery("two messages", dict(real.headers), twice, 400)
    yield Forgery("not UTF-8", dict(real.headers), real.body.decode().encode("utf-16"), 400)


def _certificates(sns: SnsSender, stranger: SnsSender) -> Iterator[Forgery]:
    """At the right address, certificates and answers that prove nothing."""
    fields = {k: v for k, v in good(sns).fields.items() if not k.startswith("Sign")}
    foreign = stranger.authority.issue(Wanted(sns.names))
    expired = sns.authority.issue(Wanted(sns.names, timedelta(hours=-1)))
    misnamed = sns.authority.issue(Wanted(["sns.example.test", "sqs.amazonaws.com"]))
    below = Authority("stranger", stranger.authority)
    chained = below.issue(Wanted(sns.names))
    chain = Served(200, chained.pem + below.issued.pem + stranger.authority.issued.pem)
    for name, signing, served in (
        ("another authority's certificate", foreign, foreign),
        ("a certificate that brings its authority", chained, chain),
        ("an expired certificate", expired, expired),
        ("a certificate of another name", misnamed, misnamed),
        ("a redirect", foreign, Served(302, headers={"Location": stranger.serve(foreign)})),
        ("no certificate", foreign, Served(200, b"-----BEGIN CERTIFICATE-----\nAAAA\n")),
        ("an answer without end", foreign, Served(200, b"x" * 200_000)),
    ):
        url = sns.serve(served)
        posted = sns.signed(fields, version="2", signing=signing, certificate_url=url)
        yield _of(name, posted)


def _addresses(sns: SnsSender, stranger: SnsSender) -> Iterator[Forgery]:
    """Certificates at addresses that only look like those of SNS; those at the stranger's exist."""
    fields = {k: v for k, v in good(sns).fields.items() if not k.startswith("Sign")}
    own = stranger.signing
    elsewhere = stranger.certificate_url
    path = elsewhere.removeprefix(stranger.url)
    host = stranger.url.removeprefix("https://")
    tricks: dict[str, str] = {
        "another host": elsewhere,
        "our host as a user": f"{sns.url}@{host}{path}",
        "our host as a name": f"{sns.url}.evil.test{path}",
        "our host behind a backslash": f"https://{host}\\@{sns.url[8:]}{path}",
        "another port": f"https://127.0.0.1{path}",
        "plain http": sns.certificate_url.replace("https:", "http:"),
        "a query": f"{sns.certificate_url}?next={elsewhere}",
        "a fragment": f"{sns.certificate_url}#{elsewhere}",
        "a way up": f"{sns.url}/SimpleNotificationService-00/..{path}",
        "another file": f"{sns.url}/evil.pem",
        "a line break": f"{sns.url}\r\nHost: {host}{path}",
        "no address": "not an address",
    }
    for name, url in tricks.items():
        posted = sns.signed(fields, version="2", signing=own, certificate_url=url)
        yield _of(f"the certificate at {name}", posted)


def _signed_and_still_wrong(sns: SnsSender, stranger: SnsSender) -> Iterator[Forgery]:
    """Signed by SNS itself, and not for us, not now, or not in this way."""
    said = flat_alarm()
    real = good(sns)
    billing = sns.notification(said, topic_arn=OTHER_TOPIC)
    unwanted = sns.confirmation(OTHER_TOPIC, kind="SubscriptionConfirmation")
    kind: Literal["SubscriptionConfirmation"] = "SubscriptionConfirmation"
    astray = partial(sns.confirmation, TOPIC, kind=kind)
    yield _of("another topic", billing)
    yield _of("another topic under our name", _with(billing, TopicArn=TOPIC))
    yield _of("a subscription of another topic", unwanted)
    yield _of(
        "a confirmation elsewhere",
        astray(subscribe_url=f"{stranger.url}/?Action=ConfirmSubscription"),
    )
    yield _of(
        "another action",
        astray(subscribe_url=f"{sns.url}/?Action=DeleteTopic&TopicArn={TOPIC}&Token=t"),
    )
    yield _of(
        "another header",
        replace(real, headers=dict(real.headers) | _kind("UnsubscribeConfirmation")),
    )
    bare = {name: text for name, text in real.headers.items() if "type" not in name.lower()}
    yield _of("no header", replace(real, headers=bare | {"Content-Type": "text/plain"}))
    raw = {"x-amz-sns-rawdelivery": "true"}
    yield Forgery("raw delivery", dict(real.headers) | raw, said.encode())
    huge = json.dumps(real.fields | {"Padding": "x" * 600_000}).encode()
    yield Forgery("a body that is too long", dict(real.headers), huge, 413)


def _kind(kind: str) -> dict[str, str]:
    return {"x-amz-sns-message-type": kind}
