"""SNS as a sender over HTTP: it signs as SNS signs, serves its certificate, takes confirmations.

`environment()` is what makes a service take it for SNS: an address and a root of its own, both made
at the start.
"""

import base64
import json
import secrets
import ssl
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from simulator.aws.certificates import Authority, Issued, Wanted

Version = Literal["1", "2"]
XMLNS = "http://sns.amazonaws.com/doc/2010-03-31/"
_DIGESTS = {"1": hashes.SHA1, "2": hashes.SHA256}
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]


@dataclass(frozen=True)
class Posted:
    """One request of SNS, as it would be posted."""

    headers: Mapping[str, str]
    fields: dict[str, str]

    @property
    def body(self) -> bytes:
        """The body as SNS lays it out."""
        return json.dumps(self.fields, indent=2, separators=(",", " : ")).encode()


@dataclass(frozen=True)
class Served:
    """What is answered at a path."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class SnsSender:
    """Start it, let a service run with `environment()`, and post what it makes.

    `folder` gets the root's certificate, the server's and its key. Methods may be called from any
    thread.
    """

    def __init__(self, folder: Path, *, region: str = "eu-central-1") -> None:
        self._folder = folder
        self._region = region
        self._served: dict[str, Served] = {}
        self._tokens: dict[str, str] = {}
        self._server: ThreadingHTTPServer | None = None
        self.authority = Authority("nightshift simulator root for SNS")
        self.names = (f"sns.{region}.amazonaws.com", "sns.amazonaws.com")
        self.signing = self.authority.issue(Wanted(self.names))
        self.asked: list[str] = []
        """Paths that were asked for."""
        self.confirmed: list[str] = []
        """Topics whose subscription was confirmed."""

    def start(self) -> str:
        """It listens at the address returned, over TLS."""
        self._folder.mkdir(parents=True, exist_ok=True)
        server = self.authority.issue(Wanted(["127.0.0.1"]))
        chain, key = self._folder / "sns-server.crt", self._folder / "sns-server.key"
        self._root.write_bytes(self.authority.issued.pem)
        chain.write_bytes(server.pem)
        key.touch(mode=0o600)
        key.write_bytes(server.key_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        # The handshake is the request's own thread's: whoever is slow keeps nobody waiting.
        listening.socket = context.wrap_socket(
            listening.socket, server_side=True, do_handshake_on_connect=False
        )
        self._server = listening
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        self.certificate_url = self.serve(self.signing)
        return self.url

    def stop(self) -> None:
        """Nothing listens any more; stopping twice does nothing."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the SNS sender has not been started")
        return f"https://127.0.0.1:{self._server.server_port}"

    def environment(self) -> dict[str, str]:
        """The variables by which a service takes this for SNS."""
        return {"AWS_ENDPOINT_URL_SNS": self.url, "AWS_CA_BUNDLE": str(self._root)}

    def serve(self, signing: Issued | Served) -> str:
        """The address of a certificate, or of any other answer, in the form that SNS gives it."""
        path = f"/SimpleNotificationService-{secrets.token_hex(16)}.pem"
        self._served[path] = signing if isinstance(signing, Served) else Served(200, signing.pem)
        return self.url + path

    def serve_issuer(self, authority: Authority, path: str = "/issuer.cer") -> str:
        """The address of an authority's own certificate, which its certificates then name."""
        self._served[path] = Served(200, authority.issued.pem)
        return self.url + path

    def notification(
        self,
        message: str,
        *,
        topic_arn: str,
        subject: str = "",
        version: Version = "1",
        sent_at: datetime | None = None,
    ) -> Posted:
        """A message of that topic, signed now or as if it had been sent then."""
        fields = self._begun("Notification", topic_arn)
        if subject:
            fields["Subject"] = subject
        fields |= {"Message": message, "Timestamp": _moment(sent_at or datetime.now(UTC))}
        subscription = f"{topic_arn}:{uuid.uuid4()}"
        fields["UnsubscribeURL"] = f"{self.url}/?Action=Unsubscribe&SubscriptionArn={subscription}"
        return self.signed(fields, version=version)

    def confirmation(
        self,
        topic_arn: str,
        *,
        kind: Literal["SubscriptionConfirmation", "UnsubscribeConfirmation"],
        version: Version = "1",
        subscribe_url: str = "",
    ) -> Posted:
        """What SNS posts when somebody subscribes an address, or ends a subscription."""
        fields = self._begun(kind, topic_arn)
        token = secrets.token_hex(60)
        self._tokens[token] = topic_arn
        asked = f"{self.url}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}"
        said = f"You have chosen to subscribe to the topic {topic_arn}.\nTo confirm, visit the URL."
        fields |= {"Token": token, "Message": said, "SubscribeURL": subscribe_url or asked}
        fields["Timestamp"] = _moment(datetime.now(UTC))
        return self.signed(fields, version=version)

    def signed(
        self,
        fields: dict[str, str],
        *,
        version: Version,
        signing: Issued | None = None,
        certificate_url: str = "",
    ) -> Posted:
        """Those fields signed, with this sender's certificate or with another one."""
        key = (signing or self.signing).key
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("SNS signs with RSA")
        names = _SIGNED[fields["Type"]]
        text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        signature = key.sign(text.encode(), padding.PKCS1v15(), _DIGESTS[version]())
        said = {
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": certificate_url or self.certificate_url,
        }
        return Posted(_headers(fields), fields | said)

    def answer(self, target: str) -> Served:
        """What is answered to a GET; a confirmation counts only with a token that was sent out."""
        self.asked.append(target)
        path = urlsplit(target).path
        if path != "/":
            return self._served.get(path, Served(404))
        asked = parse_qsl(urlsplit(target).query)
        given = dict(asked)
        topic = self._tokens.get(given.get("Token", ""), "")
        known = sorted(given) == ["Action", "Token", "TopicArn"] and len(asked) == 3
        if not known or given["Action"] != "ConfirmSubscription" or topic != given["TopicArn"]:
            return Served(400, _error("InvalidParameter", "Invalid token"))
        self.confirmed.append(topic)
        return Served(200, _confirmed(f"{topic}:{uuid.uuid4()}"))

    @property
    def _root(self) -> Path:
        return self._folder / "sns-root.crt"

    def _begun(self, kind: str, topic_arn: str) -> dict[str, str]:
        return {"Type": kind, "MessageId": str(uuid.uuid4()), "TopicArn": topic_arn}


def _headers(fields: Mapping[str, str]) -> dict[str, str]:
    return {
        "x-amz-sns-message-type": fields["Type"],
        "x-amz-sns-message-id": fields["MessageId"],
        "x-amz-sns-topic-arn": fields["TopicArn"],
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }


def _moment(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def _confirmed(subscription: str) -> bytes:
    return (
        f'<ConfirmSubscriptionResponse xmlns="{XMLNS}"><ConfirmSubscriptionResult>'
        f"<SubscriptionArn>{escape(subscription)}</SubscriptionArn></ConfirmSubscriptionResult>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        "</ConfirmSubscriptionResponse>"
    ).encode()


def _error(code: str, message: str) -> bytes:
    return (
        f'<ErrorResponse xmlns="{XMLNS}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    ).encode()


def _handler(sender: SnsSender) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            served = sender.answer(self.path)
            self.send_response(served.status)
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, format: str, *args: object) -> None:
            """Write nothing: `asked` has it."""

    return Handler
