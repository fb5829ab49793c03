"""Signed envelopes: who wrote an entry, and that nobody altered it (T14, decision 0043).

Each two services share a key, and each service has one with itself. Whoever writes an entry adds a
MAC for each service that reads its stream, over every other field. A reader asks three things: is
it from whom it says, may that one write this event, and was it signed shortly before it was
appended. No key serves two edges, so who can check what it is sent can forge it for nobody else.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bus import metrics
from bus.envelope import Entry, entry_fields
from bus.errors import NotConfigured, Rejected
from bus.events import Event, InvestigationStopped
from bus.streams import STREAM_OF, Stream

Mode = Literal["off", "sign", "require"]
Verdict = Literal[
    "accepted",
    "it is not signed",
    "its signature is not that of its sender",
    "its sender may not write this",
    "it had expired when it was appended",
]
OPERATOR = "operator"
ROLES = ("ingest", "reasoner", "toolrunner", "notifier", OPERATOR)
OWN = ("sender", "issued_at", "expires_at")
SEAL = "seal:"
"""How the fields begin that hold a MAC, by reader."""
OWN_WRITERS = {InvestigationStopped.name(): ("notifier",)}
"""Events that not every writer of their stream may write."""
VALID_SECONDS = 3600
"""So long after it was signed an entry may be appended, by Redis's clock. It may wait for ever."""
_KEY = re.compile(r"[0-9a-f]{64}")


class Unsealed(Rejected):
    """Nobody who may write this entry has signed it as it stands."""


@dataclass(frozen=True, kw_only=True)
class Seals:
    """What one service signs with, and checks by."""

    service: str = ""
    prefix: str = ""
    mode: Mode = "off"
    keys: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    """By the other service: the first one signs, each is accepted."""
    clock: Callable[[], float] = time.time
    """Only its hours matter."""

    def fields(self, event: Event, traceparent: str = "") -> dict[str, str]:
        """The fields under which an event is appended, signed where that is asked for."""
        fields = entry_fields(event, traceparent)
        stream = STREAM_OF.get(type(event))
        return self.seal(fields, stream) if stream else fields

    def seal(self, fields: Mapping[str, str], stream: Stream) -> dict[str, str]:
        """The same fields as this service's own: signed for every reader, any old seal gone."""
        rest = {name: text for name, text in fields.items() if not name.startswith(SEAL)}
        bare = {name: text for name, text in rest.items() if name not in OWN}
        if self.mode == "off" or "anyone" in stream.writers or not stream.heard_by:
            return bare
        now = self.clock()
        issued, expires = str(round(now * 1000)), str(round((now + VALID_SECONDS) * 1000))
        bare |= {"sender": self.service, "issued_at": issued, "expires_at": expires}
        content = self._content(bare, stream)
        macs = {
            SEAL + each: _mac(self.keys[each][0], content, reader=each) for each in stream.heard_by
        }
        return bare | macs

    def check(self, entry: Entry) -> None:
        """Raises Unsealed with what is wrong, where seals are required."""
        if self.mode == "off":
            return
        verdict = self._verdict(entry)
        metrics.SEALS.add(1, {"stream": entry.stream.name, "verdict": verdict})
        if verdict != "accepted" and self.mode == "require":
            raise Unsealed(f"not accepted: {verdict}")

    def _verdict(self, entry: Entry) -> Verdict:
        fields, stream = entry.fields, entry.stream
        if "anyone" in stream.writers:
            return "accepted"
        if (sender := fields.get("sender")) is None:
            return "it is not signed"
        content, given = self._content(fields, stream), fields.get(SEAL + self.service, "")
        macs = [_mac(key, content, reader=self.service) for key in self.keys.get(sender, ())]
        if not any(hmac.compare_digest(mac.encode(), given.encode()) for mac in macs):
            return "its signature is not that of its sender"
        event = fields.get("event", "")
        if sender not in (*OWN_WRITERS.get(event, stream.writers), OPERATOR):
            return "its sender may not write this"
        expires, appended = fields.get("expires_at", ""), entry.entry_id.partition("-")[0]
        if not expires.isdecimal() or int(expires) < int(appended):
            return "it had expired when it was appended"
        return "accepted"

    def _content(self, fields: Mapping[str, str], stream: Stream) -> str:
        rest = {name: text for name, text in fields.items() if not name.startswith(SEAL)}
        body = hashlib.sha256(rest.pop("data", "").encode("utf-8", "backslashreplace")).hexdigest()
        return json.dumps([self.prefix + stream.name, body, sorted(rest.items())])


UNSIGNED = Seals()
"""Neither signs nor asks for it."""


def seals_of(service: str, *, prefix: str, mode: Mode, keys: str) -> Seals:
    """A service's seals; raises NotConfigured with one sentence that names no key."""
    if mode == "off":
        return Seals(service=service)
    found = keys_of(keys)
    if missing := [role for role in ROLES if role not in found]:
        raise NotConfigured(
            f"NIGHTSHIFT_ENVELOPE_KEYS has no key with {' and '.join(missing)}; `nightshift"
            " envelope-keys` makes them"
        )
    return Seals(service=service, prefix=prefix, mode=mode, keys=found)


def keys_of(text: str) -> dict[str, tuple[bytes, ...]]:
    """The keys in a value of NIGHTSHIFT_ENVELOPE_KEYS, by service; raises NotConfigured."""
    found = {}
    for part in filter(None, text.strip().split(",")):
        role, _, listed = part.partition("=")
        keys = listed.split("|")
        if role not in ROLES or len(keys) > 2 or not all(map(_KEY.fullmatch, keys)):
            raise NotConfigured(
                "NIGHTSHIFT_ENVELOPE_KEYS must look like reasoner=KEY,notifier=KEY|KEY,… with keys"
                " of 64 hexadecimal digits, at most two of each"
            )
        found[role] = tuple(bytes.fromhex(key) for key in keys)
    return found


def _mac(key: bytes, content: str, *, reader: str) -> str:
    return hmac.new(key, f"{reader} {content}".encode(), hashlib.sha256).hexdigest()
