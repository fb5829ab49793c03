"""Addresses a card may link to: on listed hosts only, and the host always stands in the label.

Whatever is not allowed is shown as words: a text element of a rich text is no link in Slack, also
where it looks like an address. A message's own `text` is another matter: Slack turns addresses in
it into links whatever it is told, so there they are spelled as in warnings: `https[:]//evil.test`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, urlsplit

from bus.record import Record
from services.notifier.blocks import Element, plain
from services.notifier.cutting import one_line
from services.notifier.domain_endings import ENDINGS

LONGEST_ADDRESS = 2000
LOOKED_AROUND = timedelta(minutes=10)
"""Before and after an investigation: its first and last spans lie outside of it."""
SLACK_HOST = "slack.com"
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
_ADDRESS = re.compile(r"https?://[!#$%&()*+,\-./0-9:;=?A-Z\[\]_a-z~]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"(?i)(?<=[a-z0-9]):(?=//)|(?<=\bmailto):|(?<=\btel):")
_MAIL = re.compile(r"(?<=[\w.+-])@(?=[\w-]+\.[A-Za-z]{2})")
_DOMAIN = re.compile(
    r"(?<=[\w-])\.(?:(?=(?P<ending>[^\W\d_]{2,24})(?![\w-]|\.\w))|(?=[A-Za-z]{2,24}/\S))"
)
"""The last dot of what may be a domain: letters follow, or a path after them."""


@dataclass(frozen=True)
class Links:
    """Where cards may link to, and the addresses that are known; nothing is linked by default."""

    hosts: frozenset[str] = frozenset()
    """Such as `github.com` or `wiki.example:8443`."""
    trace_url: str = ""
    """Address of a trace, with its places in it, see the setting."""
    source_url: str = ""
    """Address of a line of source, with `{revision}`, `{path}` and `{line}` in it."""
    runbooks: Mapping[str, str] = field(default_factory=dict)
    """By service: an address, or words."""

    def trace(self, record: Record) -> str:
        """Where the investigation's trace is; empty where that is not known."""
        address = self.trace_url if record.trace.trace_id else ""
        for place, text in _places_of(record).items():
            address = address.replace(f"{{{place}}}", text)
        return address

    def source(self, path: str, line: int | None, *, revision: str) -> str:
        """Where that line stands at that revision; empty where that is not known."""
        inside = path.removeprefix("./").lstrip("/")
        if not (self.source_url and inside and revision) or ".." in inside.split("/"):
            return ""
        address = self.source_url.replace("{revision}", quote(revision, safe="/"))
        address = address.replace("{path}", quote(inside, safe="/"))
        if not line:
            return address.partition("#")[0]
        return address.replace("{line}", str(line))

    def element(self, label: str, address: str) -> Element:
        """A link that names its host, or the label and the address as words."""
        host = host_of(address)
        if host and host in self.hosts:
            return {"type": "link", "url": address, "text": f"{label} ({host})"}
        return plain(f"{label}: {one_line(address, 300)}")


def host_of(address: str) -> str:
    """The host of a plain web address, with its port where that is not the usual one; else empty.

    Refused: other schemes, user names, international and odd names, signs outside ASCII.
    """
    if len(address) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        return ""
    try:
        parts = urlsplit(address)
        port, host = parts.port, (parts.hostname or "")
    except ValueError:
        return ""
    if not _HOST.fullmatch(host) or any(label.startswith("xn--") for label in host.split(".")):
        return ""
    usual = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return host if usual else f"{host}:{port}"


def links(
    *, trace_url: str, source_url: str, listed: Iterable[str], runbooks: Mapping[str, str]
) -> Links:
    """The addresses that are known, on the hosts of these, Slack's and those listed."""
    known = (host_of(_example(address)) for address in (trace_url, source_url))
    hosts = {SLACK_HOST, *known, *(host.strip().lower() for host in listed)} - {""}
    return Links(frozenset(hosts), trace_url, source_url, runbooks)


def unlinked(text: str) -> str:
    """The text with addresses, domains and mail addresses spelled so that none becomes a link."""
    spelled = _MAIL.sub("[@]", _SCHEME.sub("[:]", text))
    return _DOMAIN.sub(_dot, spelled)


def _dot(found: re.Match[str]) -> str:
    """A dot in brackets, unless no domain ends as that does; other scripts than ours may all."""
    ending = (found["ending"] or "").lower()
    return "." if ending.isascii() and ending and ending not in ENDINGS else "[.]"


def _places_of(record: Record) -> dict[str, str]:
    """What goes into the address of its trace.

    Datadog names a trace by the lower half of its id, in decimal; Honeycomb and Grafana look
    within a time.
    """
    trace_id = record.trace.trace_id
    begins, ends = record.opened_at - LOOKED_AROUND, record.deadline_at + LOOKED_AROUND
    return {
        "trace_id": quote(trace_id, safe=""),
        "trace_id_decimal": str(int(trace_id[-16:] or "0", 16)),
        "from_s": f"{begins.timestamp():.0f}",
        "to_s": f"{ends.timestamp():.0f}",
        "from_ms": f"{begins.timestamp() * 1000:.0f}",
        "to_ms": f"{ends.timestamp() * 1000:.0f}",
    }


def _example(address: str) -> str:
    return re.sub(r"\{[a-z_]+\}", "0", address)
