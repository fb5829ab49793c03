"""What ingest reads from its environment; AWS credentials and endpoint are read by boto3 itself."""

from functools import cached_property
from typing import Literal

from pydantic import Field, FilePath, SecretStr, field_validator

from bus.events import RecoveryPolicy
from bus.settings import BusSettings
from services.ingest.access import tokens_of
from services.ingest.fingerprint import Identity
from services.ingest.limits import Limits
from services.ingest.sns_addresses import TOPIC

SLACK_IDS = r"^\s*([A-Z0-9]{1,40}\s*(,\s*|$))*$"


def ids(listed: str) -> frozenset[str]:
    """The ids of a list with commas between."""
    return frozenset(each.strip() for each in listed.split(",") if each.strip())


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
    catch_up_seconds: float = Field(default=86_400.0, ge=0, le=31_536_000)
    """Alarms that went to ALARM longer ago than this are not caught up; 0: however old."""
    catch_up_topics: str = Field(default="", max_length=4000)
    """ARNs of the SNS topics, between commas, to one of which an alarm must go to be caught up;
    empty: to anything but machines; `*`: also to nothing, as a rule of EventBridge tells those."""
    alarm_prefix: str = Field(default="", max_length=255)
    """Only alarms whose name begins like this are caught up; empty: all of them."""
    aws_region: str = Field(default="", validation_alias="AWS_REGION")
    """The queue's region; empty: AWS_DEFAULT_REGION, else the queue's own address."""
    catalog: FilePath | None = None
    """A TOML file with `services = ["cartservice", ...]` or a table `[services.cartservice]` each;
    without it alarms are read."""
    sns_topics: str = ""
    """ARNs of the SNS topics whose messages are taken at `POST /triggers/sns`, between commas.
    Empty: that path is not there."""
    sns_signature: Literal["any", "2"] = "any"
    """Which signature version a message must have: `2` refuses those of version 1 (SHA-1)."""
    alertmanager_token: SecretStr = SecretStr("")
    """The bearer token of `POST /triggers/alertmanager`, at least 16 characters; several between
    commas while one is replaced. Empty: that path is not there."""
    logs_token: SecretStr = SecretStr("")
    """The access key of `POST /triggers/logs` (Amazon Data Firehose), likewise."""
    http_at_once: int = Field(default=500, ge=1, le=10_000)
    """Requests at each of those paths, and at Slack's, that are under way at the same time. For one
    more, one whose body has been coming for over a second makes way; else the answer is 503."""
    http_body_seconds: float = Field(default=10.0, ge=0.1, le=600)
    """Time that a request's head may take, and once more its body."""
    http_handling_seconds: float = Field(default=10.0, ge=0.1, le=600)
    """Time in which a request, once read, makes no progress before it is answered 503: Redis hangs,
    or SNS is silent. Each alert of a group and each record of a delivery begins it anew."""
    sns_endpoint: str = Field(default="", validation_alias="AWS_ENDPOINT_URL_SNS")
    """Where SNS speaks instead of at AWS: `https://host[:port]`, else AWS_ENDPOINT_URL.
    Certificates and confirmations are fetched from there alone."""
    aws_endpoint: str = Field(default="", validation_alias="AWS_ENDPOINT_URL")
    """Where all of AWS speaks instead, as boto3 reads it."""
    ca_bundle: str = Field(default="", validation_alias="AWS_CA_BUNDLE")
    """A file of the root certificates that AWS is checked against; empty: the machine's."""
    fingerprint: str = Field(default="", max_length=500)
    """What makes two alarms the same problem: fields (`account,region,alarm,service`, the default;
    also `metric`, `arn`, `kind`, `labels.<name>`) or a template (`{account}/{labels.cluster}`). An
    alarm without one is refused, unless the part ends in `?`."""
    recovery: RecoveryPolicy = "finish small"
    """What an alarm's recovery does to its running investigation: `stop`, `finish small` (the next
    turn concludes) or `continue`."""
    repeat_seconds: float = Field(default=3600.0, ge=0, le=86_400)
    """An alarm of a known problem opens nothing until the problem was silent for so long, or was
    opened 24 times as long ago; 0: every state change opens an investigation."""
    max_open: int = Field(default=50, ge=1, le=100_000)
    """Investigations that may be open at once; more wait. A critical one of a new name does not."""
    max_new: int = Field(default=20, ge=2, le=100_000)
    """Investigations that may begin within the window, the last one for a critical problem; more
    are folded into one summary."""
    window_seconds: float = Field(default=600.0, ge=1, le=86_400)
    """The window of NIGHTSHIFT_MAX_NEW and of a summary."""
    held_seconds: float = Field(default=600.0, ge=1, le=86_400)
    """What has waited for so long is folded into the summary."""
    gather_seconds: float = Field(default=15.0, ge=0, le=600)
    """So long a summary gathers before it opens; the next ones of a window twice as long each."""
    source_burst: int = Field(default=20, ge=1, le=100_000)
    """New problems of one source (account and region, Slack user, receiver) that open at once."""
    source_seconds: float = Field(default=30.0, ge=0.01, le=86_400)
    """After this a source may open one more."""
    slack_bot_token: SecretStr | None = Field(
        default=None, validation_alias="SLACK_BOT_TOKEN", repr=False
    )
    """Must not be set: a service that strangers can reach holds no right to post."""

    slack_app_token: SecretStr | None = Field(
        default=None, validation_alias="SLACK_APP_TOKEN", repr=False
    )
    """App-level token with `connections:write`: opens Socket Mode. Empty: it stays closed."""
    slack_signing_secret: SecretStr | None = Field(
        default=None, validation_alias="SLACK_SIGNING_SECRET", repr=False
    )
    """The app's signing secret: opens `POST /slack/events`. Empty: the path is not there."""
    slack_api_url: str = Field(
        default="https://slack.com/api/",
        validation_alias="SLACK_API_URL",
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        max_length=2000,
    )
    """Base address of Slack's Web API, from which the socket's address is asked."""
    slack_teams: str = Field(default="", pattern=SLACK_IDS, max_length=4000)
    """Ids of the workspaces whose people may ask, with commas between, such as `T0123456789`;
    empty: every one in which the app is installed."""
    slack_channels: str = Field(default="", pattern=SLACK_IDS, max_length=4000)
    """Ids of the channels in which people may ask, with commas between; empty: every channel."""
    slack_users: str = Field(default="", pattern=SLACK_IDS, max_length=20_000)
    """Ids of the people who may ask, stop and judge, with commas between; empty: everybody."""
    slack_per_minute: int = Field(default=10, ge=1, le=10_000)
    """How often one person may ask, stop or judge within a minute; the same asked again is one."""

    @field_validator("slack_app_token", "slack_signing_secret")
    @classmethod
    def _none_without_a_word(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @field_validator("catalog", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return value or None

    @field_validator("sns_topics")
    @classmethod
    def _topics(cls, value: str) -> str:
        for topic in _listed(value):
            if not TOPIC.fullmatch(topic):
                raise ValueError(f"holds {topic[:100]!r}, which is no ARN of an SNS topic")
        return value

    @field_validator("catch_up_topics")
    @classmethod
    def _catch_up_topics(cls, value: str) -> str:
        return value if value.strip() == "*" else cls._topics(value)

    @field_validator("alertmanager_token", "logs_token")
    @classmethod
    def _tokens(cls, value: SecretStr) -> SecretStr:
        tokens_of(value.get_secret_value())
        return value

    @property
    def sns_address(self) -> str:
        """Where SNS speaks instead of at AWS; empty: at AWS."""
        return self.sns_endpoint or self.aws_endpoint

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """The topics whose messages are taken."""
        return tuple(_listed(self.sns_topics))

    @property
    def catching_up_for(self) -> frozenset[str]:
        """The topics to which what is caught up must go."""
        return frozenset(_listed(self.catch_up_topics))

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


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
