"""Which addresses belong to SNS, judged before anything is asked of them. Pure.

An address in a message is a stranger's until its signature stands, and the certificate's address is
followed before that. So it must be, letter by letter, one that AWS gives out for that very topic.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

from services.ingest.sns_message import Forged

SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
"""Under which name each partition of AWS has its hosts."""
REGION = r"[a-z]{2,4}(?:-[a-z]+)+-\d"
TOPIC = re.compile(
    rf"arn:(?P<partition>{'|'.join(SUFFIXES)}):sns:(?P<region>{REGION})"
    r":\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?"
)
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")
_AMAZON_ISSUER = re.compile(
    r"http://crt\.[a-z0-9]{1,20}\.amazontrust\.com/[a-z0-9]{1,20}\.(?:cer|crt)"
)
_PLAIN = re.compile(r"[!-~]{1,2048}")
_CONFIRM = "ConfirmSubscription"


@dataclass(frozen=True)
class Place:
    """Where SNS speaks for one topic, and to whom its certificate must have been issued."""

    origin: str
    """Scheme and host, and the port where it is not the usual one."""
    names: tuple[str, ...]
    issuers: re.Pattern[str]
    """Addresses at which a certificate of AWS may say that its issuer's is."""

    def certificate(self, url: str) -> str:
        """The address, if a signing certificate of this place can be there; else raises Forged."""
        if not self._begins(url) or not _CERTIFICATE.fullmatch(self._rest(url)):
            raise Forged("SigningCertURL is none of SNS for this topic")
        return url

    def confirmation(self, fields: Mapping[str, str]) -> str:
        """The address that confirms a subscription, built anew from what was signed.

        Raises Forged when the one in the message asks for anything else, or elsewhere.
        """
        url, token, topic = fields["SubscribeURL"], fields["Token"], fields["TopicArn"]
        path, _, query = self._rest(url).partition("?") if self._begins(url) else ("", "", "")
        asked = sorted(parse_qsl(query, keep_blank_values=True))
        wanted = [("Action", _CONFIRM), ("Token", token), ("TopicArn", topic)]
        if path != "/" or "#" in query or asked != wanted:
            raise Forged("SubscribeURL is not the confirmation of this topic at SNS")
        return f"{self.origin}/?Action={_CONFIRM}&TopicArn={topic}&Token={quote(token, safe='')}"

    def _begins(self, url: str) -> bool:
        return bool(_PLAIN.fullmatch(url)) and url.startswith((f"{self.origin}/", self._with_port))

    def _rest(self, url: str) -> str:
        begin = self._with_port if url.startswith(self._with_port) else f"{self.origin}/"
        return "/" + url.removeprefix(begin)

    @property
    def _with_port(self) -> str:
        has_port = urlsplit(self.origin).port is not None
        return f"{self.origin}/" if has_port else f"{self.origin}:443/"


def place_of(topic_arn: str, *, endpoint: str = "") -> Place:
    """Where SNS speaks for a topic: in the topic's own region, or at `endpoint` where one is set.

    Raises Forged when the topic's name is none.
    """
    found = TOPIC.fullmatch(topic_arn)
    if found is None:
        raise Forged("TopicArn is no topic's")
    region, partition = found["region"], found["partition"]
    suffix = SUFFIXES[partition]
    host = f"sns.{region}.{suffix}"
    names = [host, f"sns-signing.{region}.{suffix}", f"sns-{region}.{suffix}"]
    if partition == "aws":
        names.append("sns.amazonaws.com")
    if partition == "aws-us-gov":
        names.append("sns-us-gov-west-1.amazonaws.com")  # signs for us-gov-east-1 too
    if not endpoint:
        return Place(f"https://{host}", tuple(names), _AMAZON_ISSUER)
    origin = endpoint.rstrip("/")
    return Place(origin, tuple(names), re.compile(re.escape(origin) + r"/[a-z0-9]{1,20}\.cer"))
