"""What ingest reads from its environment; AWS credentials and endpoint are read by boto3 itself."""

from pydantic import Field, FilePath, SecretStr, field_validator

from bus.events import RecoveryPolicy
from bus.settings import BusSettings
from services.ingest.fingerprint import Identity
from services.ingest.limits import Limits


class Settings(BusSettings):
    """The shared settings and where alarms come from."""

    queue_url: str = Field(pattern=r"^https?://[^\s/]+/.+$")
    """The SQS queue that alarms arrive in."""
    queue_wait_seconds: int = Field(default=20, ge=0, le=20)
    """How long one poll waits for a message; 0 asks and returns at once."""
    queue_visibility_seconds: int = Field(default=60, ge=5, le=43_200)
    """How long a received message stays hidden from other replicas."""
    aws_region: str = Field(default="", validation_alias="AWS_REGION")
    """The queue's region; empty: AWS_DEFAULT_REGION, else the queue's own address."""
    catalog: FilePath | None = None
    """A TOML file with `services = ["cartservice", ...]` or a table `[services.cartservice]` each;
    without it alarms are read."""
    fingerprint: str = Field(default="", max_length=500)
    """What makes two alarms the same problem: fields (`account,region,alarm,service`, the default;
    also `metric`, `arn`, `kind`, `labels.<name>`) or a template (`{account}/{labels.cluster}`)."""
    recovery: RecoveryPolicy = "finish small"
    """What an alarm's recovery does to its running investigation: `stop`, `finish small` (the next
    turn concludes) or `continue`."""
    repeat_seconds: float = Field(default=3600.0, ge=0, le=86_400)
    """An alarm of a known problem opens nothing until the problem was silent for so long, or was
    opened 24 times as long ago; 0: every state change opens an investigation."""
    max_open: int = Field(default=50, ge=1, le=100_000)
    """Investigations that may be open at once; more wait. Critical new problems do not."""
    max_new: int = Field(default=20, ge=2, le=100_000)
    """Investigations that may begin within the window, the last one for a critical problem; more
    are folded into one summary."""
    window_seconds: float = Field(default=600.0, ge=1, le=86_400)
    """The window of NIGHTSHIFT_MAX_NEW and of a summary."""
    held_seconds: float = Field(default=600.0, ge=1, le=86_400)
    """What has waited for so long is folded into the summary."""
    gather_seconds: float = Field(default=15.0, ge=0, le=600)
    """So long a summary gathers before it opens."""
    source_burst: int = Field(default=20, ge=1, le=100_000)
    """New problems of one source (account and region, Slack user, receiver) that open at once."""
    source_seconds: float = Field(default=30.0, ge=0.01, le=86_400)
    """After this a source may open one more."""
    slack_bot_token: SecretStr | None = Field(
        default=None, validation_alias="SLACK_BOT_TOKEN", repr=False
    )
    """Must not be set: a service that strangers can reach holds no right to post."""

    @field_validator("catalog", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return value or None

    @field_validator("fingerprint")
    @classmethod
    def _check_fingerprint(cls, value: str) -> str:
        Identity.of(value)
        return value

    @property
    def limits(self) -> Limits:
        """The figures among them."""
        return Limits(**{name: getattr(self, name) for name in Limits.__dataclass_fields__})

    @field_validator("slack_bot_token")
    @classmethod
    def _refuse_bot_token(cls, value: SecretStr | None) -> None:
        if value is not None and value.get_secret_value():
            message = "must not be set for ingest: only the notifier may hold Slack's bot token"
            raise ValueError(message)
