"""Two hashes of an alarm: is it the same problem, and is it news? Pure."""

import hashlib
import json
import re
from dataclasses import dataclass

from bus.errors import Rejected
from bus.events import Alarm, TriggerKind

FIELDS = ("account", "region", "alarm", "service")
"""What makes two alarms the same problem, unless the settings say otherwise."""
OTHERS = ("metric", "arn", "kind")
DESCRIBED = ("generator_url", "runbook_url")
"""Among an alarm's labels, but what describes its rule: no part of what it is."""
_PART = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Identity:
    """What makes two alarms the same problem: fields by name, or a template that names them."""

    fields: tuple[str, ...] = FIELDS
    template: str = ""

    @classmethod
    def of(cls, text: str) -> "Identity":
        """From `account,region,labels.cluster` or `{account}/{alarm}`; empty: the default.

        A part that ends in `?` may be empty, where another one may not.
        Raises ValueError with a sentence that names what is wrong.
        """
        text = text.strip()
        if not text:
            return cls()
        is_template = "{" in text or "}" in text
        found = _PART.findall(text) if is_template else text.split(",")
        names = tuple(name.strip() for name in found)
        if is_template and re.search(r"[{}]", _PART.sub("", text)):
            raise ValueError("has a brace without its other half")
        for name in names:
            known_part = name.removesuffix("?")
            if known_part not in (*FIELDS, *OTHERS) and not re.fullmatch(r"labels\..+", known_part):
                known = ", ".join((*FIELDS, *OTHERS))
                raise ValueError(f"names {name!r}; parts are {known} and labels.<name>")
        if not names:
            raise ValueError("names no part, so that all alarms would be the same problem")
        if all(name.endswith("?") for name in names):
            raise ValueError("names only parts that may be empty: one without `?` must stand")
        return cls(names, text if is_template else "")

    def fingerprint(self, alarm: Alarm, service: str, *, kind: TriggerKind = "cloudwatch") -> str:
        """The same for two alarms of the same problem.

        Raises Rejected where a part is empty: what says nothing may not stand for everything.
        """
        values: list[object] = []
        for name in self.fields:
            value = _value(name.removesuffix("?"), alarm, service=service, kind=kind)
            if not value.strip() and not name.endswith("?"):
                where = f"the alarm {alarm.name!r} has no {name}"
                raise Rejected(f"{where}, which its fingerprint needs (NIGHTSHIFT_FINGERPRINT)")
            values.append(value)
        if self == DEFAULT:
            return _hash(values)
        return _hash([self.template or "fields", list(self.fields), *values])


DEFAULT = Identity()


def fingerprint(alarm: Alarm, service: str) -> str:
    """The default: the same account, region, alarm and service."""
    return DEFAULT.fingerprint(alarm, service)


def content_hash(alarm: Alarm, state: str, *, note: str = "") -> str:
    """The same for two deliveries of one state change, whatever wrapped them on their way."""
    return _hash([state, alarm.model_dump(mode="json"), *([note] if note else [])])


def series_of(alarm: Alarm, kind: TriggerKind) -> str:
    """Which of the series behind a problem it is: each fires and is over by itself.

    Alertmanager tells each series of a rule, by its labels, and a log batch is of one stream; of
    CloudWatch the alarm is the series.
    """
    labels = alarm.labels if kind in ("alertmanager", "logs") else {}
    own = {name: value for name, value in labels.items() if name not in DESCRIBED}
    return _hash([alarm.account, alarm.region, alarm.name, own])


def body_hash(body: str) -> str:
    """The same for two deliveries of a body that cannot be read."""
    return _hash(["body", body])


def _value(name: str, alarm: Alarm, *, service: str, kind: str) -> str:
    if name.startswith("labels."):
        return alarm.labels.get(name.removeprefix("labels."), "")
    named = {"alarm": alarm.name, "service": service, "kind": kind}
    return named[name] if name in named else str(getattr(alarm, name))


def _hash(parts: list[object]) -> str:
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
