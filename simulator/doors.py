"""What opens the doors of an ingest: secrets made at run time, as a team makes its own."""

import secrets
from dataclasses import dataclass, field

CHANNEL = "C0INCIDENTS"


@dataclass(frozen=True)
class Doors:
    """The secrets of one world's ingest."""

    alertmanager: str = field(repr=False)
    logs: str = field(repr=False)
    slack: str = field(repr=False)

    @classmethod
    def new(cls) -> "Doors":
        """Secrets that nobody had before."""
        return cls(*(secrets.token_hex(24) for _ in range(3)))

    def environment(self, topic_arn: str) -> dict[str, str]:
        """The variables with which ingest opens each of its doors."""
        return {
            "NIGHTSHIFT_SNS_TOPICS": topic_arn,
            "NIGHTSHIFT_ALERTMANAGER_TOKEN": self.alertmanager,
            "NIGHTSHIFT_LOGS_TOKEN": self.logs,
            "SLACK_SIGNING_SECRET": self.slack,
        }
