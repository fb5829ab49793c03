"""What ingest reads from its environment; AWS credentials and endpoint are read by boto3 itself."""

from pydantic import Field, FilePath, SecretStr, field_validator

from bus.settings import BusSettings


class Settings(BusSettings):
    """The shared settings and where alarms come from."""

    queue_url: str = Field(default="", pattern=r"^(?:https?://[^\s/]+/.+)?$")
    """The SQS queue that alarms arrive in; empty where they come through another door."""
    queue_wait_seconds: int = Field(default=20, ge=0, le=20)
    """How long one poll waits for a message; 0 asks and returns at once."""
    queue_visibility_seconds: int = Field(default=60, ge=5, le=43_200)
    """How long a received message stays hidden from other replicas."""
    catch_up: bool = True
    """Whether alarms that are in ALARM at the start, and have no incident, open one; this asks
    CloudWatch, which needs `cloudwatch:DescribeAlarms`. Only with a queue."""
    alarm_prefix: str = Field(default="", max_length=255)
    """Only alarms whose name begins like this are caught up; empty: all of them."""
    aws_region: str = Field(default="", validation_alias="AWS_REGION")
    """The queue's region; empty: AWS_DEFAULT_REGION, else the queue's own address."""
    catalog: FilePath | None = None
    """A TOML file with `services = ["cartservice", ...]` or a table `[services.cartservice]` each;
    without it alarms are read."""
    slack_bot_token: SecretStr | None = Field(
        default=None, validation_alias="SLACK_BOT_TOKEN", repr=False
    )
    """Must not be set: a service that strangers can reach holds no right to post."""

    @field_validator("catalog", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return value or None

    @field_validator("slack_bot_token")
    @classmethod
    def _refuse_bot_token(cls, value: SecretStr | None) -> None:
        if value is not None and value.get_secret_value():
            message = "must not be set for ingest: only the notifier may hold Slack's bot token"
            raise ValueError(message)
