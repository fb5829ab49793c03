"""Settings of the notifier."""

from pydantic import Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, field_validator

from bus.settings import BusSettings


class Settings(BusSettings):
    """What the notifier needs beside the bus: Slack, the trace's address, and three intervals."""

    slack_bot_token: SecretStr = Field(validation_alias="SLACK_BOT_TOKEN", min_length=1)
    """Bot token with `chat:write` and `channels:history`."""
    slack_channel: str = Field(min_length=1, max_length=100)
    """Id of the channel that gets the messages, such as `C0123456789`."""
    slack_api_url: str = Field(
        default="https://slack.com/api/", validation_alias="SLACK_API_URL", max_length=2000
    )
    """Base address of Slack's Web API."""
    slack_pace: float = Field(default=1.0, gt=0, le=10_000)
    """How often Slack is called, as a multiple of the limits that it publishes: less than 1 where
    other programs use the same app."""
    trace_url: str = Field(default="", max_length=2000)
    """Address of a trace, with `{trace_id}` in it; empty: cards have no link."""
    progress_seconds: float = Field(default=3.0, ge=0, le=60)
    """Least time between two progress edits of one message."""
    final_repeat_seconds: float = Field(default=15.0, ge=0, le=60)
    """Time after which a final card is written again, where a late progress edit could cover it."""
    sweep_seconds: float = Field(default=0.5, gt=0, le=10)
    """Time between two looks at the deadlines."""

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
