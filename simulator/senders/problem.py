"""A problem that somebody wants to be told of by every sender."""

import re
from dataclasses import dataclass
from datetime import datetime

from bus.events import Severity


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with one service; the same `service`, `summary` and `kind` is the same."""

    service: str
    summary: str
    at: datetime
    severity: Severity = "error"
    kind: int = 0
    """Tells problems apart that are alike otherwise; 0 stands for the only one."""
    account: str = "123456789012"
    region: str = "eu-west-2"
    recovered: bool = False
    namespace: str = ""
    """Where its pods run; empty where the sender does not say so."""

    @property
    def title(self) -> str:
        """The summary, with the kind as letters: a number is no difference for whoever counts."""
        return f"{self.summary} {letters(self.kind)}".strip()

    @property
    def alarm_name(self) -> str:
        """As an alarm of CloudWatch is named."""
        return f"{self.service}: {self.title}"[:200]

    @property
    def alert_name(self) -> str:
        """As an alert of Prometheus is named: one word, `Http500OnCheckout`."""
        words = re.findall(r"[A-Za-z0-9]+", self.title)
        return "".join(word[:1].upper() + word[1:] for word in words) or "Unnamed"


def letters(number: int) -> str:
    """1 is A, 27 is AA, 0 is nothing."""
    found = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        found = chr(65 + rest) + found
    return found
