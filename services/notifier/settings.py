"""Settings of the notifier."""

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


class Settings(BusSettings):
    """What the notifier needs beside the bus: Slack, the trace's address, and three intervals."""

    sink: Literal["slack", "stdout"] = "slack"
    """Where messages go. `stdout` prints them, for development: no token, no channel needed."""
    slack_bot_token: SecretStr = Field(
        default=SecretStr(""), validation_alias="SLACK_BOT_TOKEN", validate_default=True
    )
    """Bot token with `chat:write` and `channels:history`; required for Slack."""
    slack_channel: str = Field(default="", max_length=100, validate_default=True)
    """Id of the channel that gets the messages, such as `C0123456789`; required for Slack."""
    catalog: FilePath | None = None
    """The services file, also ingest's and the reasoner's, for its channels: of a service, a team,
    a severity. Without it everything goes to `NIGHTSHIFT_SLACK_CHANNEL`."""
    slack_api_url: str = Field(
        default="https://slack.com/api/", validation_alias="SLACK_API_URL", max_length=2000
    )
    """Base address of Slack's Web API."""
    trace_url: str = Field(default="", max_length=2000)
    """Address of a trace, with `{trace_id}` in it; empty: cards have no link."""
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
        return value or "stdout"

    @field_validator("catalog", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return value or None

    @field_validator("slack_api_url", "trace_url")
    @classmethod
    def _refuse_what_is_no_address(cls, value: str) -> str:
        if value:
            try:
                TypeAdapter(HttpUrl).validate_python(value.replace("{trace_id}", "0"))
            except ValidationError:
                raise ValueError("must be an address: http:// or https://") from None
        return value

    @field_validator("trace_url")
    @classmethod
    def _refuse_without_place(cls, value: str) -> str:
        if value and "{trace_id}" not in value:
            raise ValueError("must contain {trace_id}, where the id of the trace goes")
        return value
