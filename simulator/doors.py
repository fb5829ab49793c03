"""What opens the doors of an ingest: secrets made at run time, as a team makes its own."""

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from simulator.serving import Served

CHANNEL = "C0INCIDENTS"


@dataclass(frozen=True)
class Doors:
    """The secrets of one world's ingest; the folder is that of the key that signs for SNS."""

    sns: Path
    alertmanager: str = field(repr=False)
    logs: str = field(repr=False)
    slack: str = field(repr=False)

    @classmethod
    def new(cls, sns: Path) -> "Doors":
        """Secrets that nobody had before."""
        return cls(sns, *(secrets.token_hex(24) for _ in range(3)))

    async def sns_host(self) -> Served:
        """Where SNS's certificate lies, not yet started; the key is in the folder."""
        from simulator.aws.sns_host import listener
        from simulator.aws.sns_signing import SnsKey

        served = listener(self.sns)
        await asyncio.to_thread(SnsKey.make, self.sns, served.address)
        return served

    def environment(self, topic_arn: str) -> dict[str, str]:
        """The variables with which ingest opens each of its doors."""
        from simulator.slack.store import TEAM_ID

        return {
            "AWS_CA_BUNDLE": str(self.sns / "ca.pem"),
            "NIGHTSHIFT_SNS_TOPICS": topic_arn,
            "NIGHTSHIFT_ALERTMANAGER_TOKEN": self.alertmanager,
            "NIGHTSHIFT_LOGS_TOKEN": self.logs,
            "SLACK_SIGNING_SECRET": self.slack,
            "NIGHTSHIFT_SLACK_TEAMS": TEAM_ID,
        }
