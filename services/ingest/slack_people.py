"""Who may ask, stop and judge in Slack. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from services.ingest.slack_reading import Person


@dataclass(frozen=True)
class Allowed:
    """Lists of Slack's ids; an empty one allows every workspace, channel or person of the app."""

    teams: Collection[str] = ()
    channels: Collection[str] = ()
    users: Collection[str] = ()

    def refusal(self, by: Person) -> str:
        """The sentence for somebody who may not; empty for everybody else."""
        if self.teams and (by.team or by.home) not in self.teams:
            return "Nightshift does not work for this workspace."
        if not by.home or by.home not in (*self.teams, by.team):
            return "Nightshift works only for people of its own workspace."
        if self.channels and by.channel not in self.channels:
            return "Nightshift does not take requests in this channel."
        if self.users and by.user not in self.users:
            return "You are not among the people from whom Nightshift takes requests."
        return ""
