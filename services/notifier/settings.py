"""Settings of the notifier."""

import re
from typing import Literal

from pydantic import (
    Field,
    FilePath,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from bus.settings import BusSettings
from services.notifier.links import host_of

_PLACES = re.compile(r"\{[a-z_]+\}")
TRACE_PLACES = {
    f"{{{name}}}" for name in ("trace_id", "trace_id_decimal", "from_s", "to_s", "from_ms", "to_ms")
}


class Settings(BusSettings):
    """What the notifier needs beside the bus: Slack, what cards link to, and three intervals."""

    sink: Literal["slack", "stdout"] = "slack"
    """Where messages go. `stdout` prints them, for development: no token, no channel needed."""
    slack_bot_token: SecretStr = Field(
        default=SecretStr(""), validation_alias="SLACK_BOT_TOKEN", validate_default=True
    )
    """Bot token with `chat:write` and `channels:history`; `files:write` for long details."""
    slack_channel: str = Field(default="", max_length=100, validate_default=True)
    """Id of the channel that gets the messages, such as `C0123456789`; required for Slack."""
    catalog: FilePath | None = None
    """The services file, also of ingest and reasoner, for its channels (of a service, a team, a
    severity) and runbooks. Without it everything goes to `NIGHTSHIFT_SLACK_CHANNEL`."""
    slack_api_url: str = Field(
        default="https://slack.com/api/", validation_alias="SLACK_API_URL", max_length=2000
    )
    """Base address of Slack's Web API."""
    slack_pace: float = Field(default=1.0, gt=0, le=10_000)
    """How often Slack is called, as a multiple of the limits that it publishes: less than 1 where
    other programs use the same app."""
    trace_url: str = Field(default="", max_length=2000)
    """Address of a trace, with `{trace_id}` in it, or `{trace_id_decimal}` for Datadog; `{from_s}`,
    `{to_s}`, `{from_ms}` and `{to_ms}` are times around it. Empty: cards have no link."""
    repository: str = Field(
        default="", pattern=r"^([A-Za-z0-9-]{1,39}/[A-Za-z0-9_-][A-Za-z0-9._-]*)?$"
    )
    """The repository that is read, as `owner/name`; empty: cards link to no source."""
    source_url: str = Field(
        default="https://github.com/{repository}/blob/{revision}/{path}#L{line}", max_length=2000
    )
    """Address of a line of source, with `{revision}`, `{path}` and `{line}` in it; empty: none."""
    link_hosts: str = Field(default="", max_length=4000)
    """Hosts that cards may link to, with commas between, such as `wiki.example`, besides those of
    the two addresses above and `slack.com`; an address elsewhere is shown as words."""
    progress_seconds: float = Field(default=3.0, ge=0, le=60)
    """Least time between two progress edits of one message."""
    final_repeat_seconds: float = Field(default=15.0, ge=0, le=60)
    """Time after which a final card is written again, where a late progress edit could cover it."""
    sweep_seconds: float = Field(default=0.5, gt=0, le=10)
    """Time between two looks at the deadlines."""

    @field_validator("slack_bot_token")
    @classmethod
    def _refuse_slack_without_token(cls, value: SecretStr, given: ValidationInfo) -> SecretStr:
        if given.data.get("sink") == "slack" and not value.get_secret_value():
            raise ValueError("is missing")
        return value

    @field_validator("slack_channel")
    @classmethod
    def _refuse_slack_without_channel(cls, value: str, given: ValidationInfo) -> str:
        if given.data.get("sink") == "slack" and not value:
            raise ValueError("is missing")
        if value and not re.fullmatch("[CGD][A-Z0-9]+", value):
            raise ValueError("must be the id of a channel, such as C0123456789, and not its name")
        return value or "stdout"

    @field_validator("catalog", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return value or None

    @field_validator("slack_api_url", "trace_url", "source_url")
    @classmethod
    def _refuse_what_is_no_address(cls, value: str) -> str:
        if value:
            try:
                TypeAdapter(HttpUrl).validate_python(_PLACES.sub("0", value))
            except ValidationError:
                raise ValueError("must be an address: http:// or https://") from None
        return value

    @field_validator("trace_url")
    @classmethod
    def _refuse_without_place(cls, value: str) -> str:
        places = set(_PLACES.findall(value))
        if value and not places & {"{trace_id}", "{trace_id_decimal}"}:
            raise ValueError("must contain {trace_id}, where the id of the trace goes")
        if unknown := places - TRACE_PLACES:
            raise ValueError(f"has {min(unknown)}; there is {', '.join(sorted(TRACE_PLACES))}")
        return value

    @field_validator("source_url")
    @classmethod
    def _refuse_without_file(cls, value: str) -> str:
        if value and not ("{revision}" in value and "{path}" in value):
            raise ValueError("must contain {revision} and {path}, where these go")
        return value

    @field_validator("link_hosts")
    @classmethod
    def _refuse_odd_hosts(cls, value: str) -> str:
        for host in filter(None, (word.strip() for word in value.split(","))):
            if host_of(f"https://{host}") != host.lower():
                raise ValueError(f"{host!a} is no host, such as wiki.example or wiki.example:8443")
        return value
