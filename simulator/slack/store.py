"""What the Slack stand-in holds: channels, messages with all their versions, reactions, files."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.routing import BaseRoute

BOT_USER = "U0NIGHTSHIFT"
BOT_ID = "B0NIGHTSHIFT"
APP_ID = "A0NIGHTSHIFT"
TEAM_ID = "T0NIGHTSHIFT"


@dataclass(frozen=True)
class Version:
    """What a message said from `at` (a Slack timestamp) on."""

    at: str
    text: str
    blocks: list[object] = field(default_factory=list)
    metadata: dict[str, object] | None = None
    attachments: list[object] = field(default_factory=list)


@dataclass
class Message:
    """One message of the bot; `versions` holds all it ever said, oldest first."""

    channel: str
    ts: str
    versions: list[Version]
    thread_ts: str | None = None
    broadcast: bool = False
    ephemeral_for: str | None = None
    reactions: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    unknown_arguments: list[str] = field(default_factory=list)

    @property
    def now(self) -> Version:
        """What the message says now."""
        return self.versions[-1]

    @property
    def top_level(self) -> bool:
        """Whether it stands in the channel itself, not in a thread and not for one person only."""
        return self.thread_ts in (None, self.ts) and self.ephemeral_for is None

    def as_slack(self, *, with_metadata: bool) -> dict[str, object]:
        """The message object as Slack's own answers hold it."""
        said: dict[str, object] = {
            "type": "message",
            "user": BOT_USER,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
            "team": TEAM_ID,
            "ts": self.ts,
            "text": self.now.text,
        }
        if self.now.blocks:
            said["blocks"] = self.now.blocks
        if self.now.attachments:
            said["attachments"] = self.now.attachments
        if self.thread_ts is not None:
            said["thread_ts"] = self.thread_ts
        if len(self.versions) > 1:
            said["edited"] = {"user": BOT_USER, "ts": self.now.at}
        if self.reactions:
            said["reactions"] = [
                {"name": name, "count": count, "users": [BOT_USER]}
                for name, count in self.reactions.items()
            ]
        if with_metadata and self.now.metadata is not None:
            said["metadata"] = self.now.metadata
        return said


@dataclass
class UploadedFile:
    """A file on its way: first only announced, then with its bytes, then shared in a channel."""

    file_id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    channel: str | None = None
    completed: bool = False

    def as_slack(self) -> dict[str, object]:
        """The file object as a message holds it."""
        return {
            "id": self.file_id,
            "name": self.name,
            "title": self.title,
            "size": self.length,
            "mode": "hosted",
            "user": BOT_USER,
        }


class SlackStandIn:
    """The workspace: `channels` maps channel ids to names, `messages` holds what was posted."""

    def __init__(
        self, channels: Mapping[str, str], *, clock: Callable[[], float] = time.time
    ) -> None:
        self.channels = dict(channels)
        self.messages: list[Message] = []
        self.files: dict[str, UploadedFile] = {}
        self.app_token = ""
        """What opens a socket; none as long as nobody is there (`simulator.slack.people`)."""
        self.routes: list[BaseRoute] = []
        self.socket_address: Callable[[str], str] = str
        self._clock = clock
        self._last_microsecond = 0

    def next_ts(self) -> str:
        """A Slack timestamp later than every one before, also within one microsecond."""
        self._last_microsecond = max(int(self._clock() * 1_000_000), self._last_microsecond + 1)
        return f"{self._last_microsecond // 1_000_000}.{self._last_microsecond % 1_000_000:06d}"

    def channel_id(self, named: object) -> str | None:
        """The id of the channel with this id, name or #name; None when there is none."""
        name = str(named).removeprefix("#")
        by_name = {title: channel for channel, title in self.channels.items()}
        return name if name in self.channels else by_name.get(name)

    def find(self, channel: str, ts: object) -> Message | None:
        """The message with that timestamp in that channel."""
        found = (said for said in self.messages if (said.channel, said.ts) == (channel, ts))
        return next(found, None)

    def top_level(self, channel: str) -> list[Message]:
        """What stands in the channel itself, oldest first, replies shown there too included."""
        said = [message for message in self.messages if message.channel == channel]
        return [message for message in said if message.top_level or message.broadcast]

    def replies(self, channel: str, thread_ts: str) -> list[Message]:
        """The thread under that message, without it, oldest first."""
        said = [message for message in self.messages if message.channel == channel]
        return [message for message in said if message.thread_ts == thread_ts != message.ts]

    def record(self, start: int = 0, end: int | None = None) -> list[dict[str, object]]:
        """Messages `start` to `end`, oldest first, with all versions.

        A reply has the thread's `thread_ts`.
        """
        return [
            {
                **message.as_slack(with_metadata=True),
                "channel": message.channel,
                "thread_ts": message.thread_ts,
                "ephemeral_for": message.ephemeral_for,
                "files": [self._file(file_id) for file_id in message.files],
                "unknown_arguments": message.unknown_arguments,
                "versions": [
                    {
                        "at": version.at,
                        "text": version.text,
                        "blocks": version.blocks,
                        "metadata": version.metadata,
                    }
                    for version in message.versions
                ],
            }
            for message in self.messages[start:end]
        ]

    def _file(self, file_id: str) -> dict[str, object]:
        file = self.files[file_id]
        content = (file.content or b"").decode("utf-8", "replace")
        return {"id": file_id, "name": file.name, "title": file.title, "content": content}
