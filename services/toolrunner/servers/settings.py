"""Settings of the built-in MCP servers; the AWS client reads the other `AWS_*` itself."""

import re
from functools import cached_property

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.toolrunner.gaps import mark_for

_LOG_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}\*?")
_NAMESPACE = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")


class ServersSettings(BaseSettings):
    """Read from the environment only; wrong values are refused."""

    model_config = SettingsConfigDict(
        env_prefix="NIGHTSHIFT_", extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    servers_port: int = Field(default=8090, ge=0, le=65_535)
    """Loopback port of the built-in servers; 0 takes a free one and logs it."""
    servers_token: SecretStr = Field(min_length=16)
    """Bearer token that every call to the built-in servers must carry; at least 16 characters."""
    namespaces: str = ""
    """Kubernetes namespaces that may be read, separated by commas; empty: none."""
    kubeconfig: str = Field(default="", validation_alias="KUBECONFIG")
    """Kubernetes credentials as a file; empty: the pod's service account."""
    repository: str = Field(
        default="", pattern=r"^([A-Za-z0-9-]{1,39}/[A-Za-z0-9_-][A-Za-z0-9._-]*)?$"
    )
    """The one GitHub repository that may be read, as `owner/name`; empty: none."""
    github_api_url: str = Field(
        default="https://api.github.com", pattern=r"^https?://", validation_alias="GITHUB_API_URL"
    )
    """Address of the GitHub REST API."""
    github_token: SecretStr = Field(default=SecretStr(""), validation_alias="GITHUB_TOKEN")
    """Token with `contents: read` on the repository; empty: anonymous."""
    aws_region: str = Field(default="", validation_alias="AWS_REGION")
    """AWS region; empty: AWS_DEFAULT_REGION, else the profile's."""
    log_groups: str = ""
    """CloudWatch log groups that may be searched, separated by commas; `/shop/*` stands for all
    whose name begins with `/shop/`; empty: none."""
    answer_seconds: int = Field(default=15, ge=1, le=120)
    """Longest time for one answer of Kubernetes, GitHub or AWS; a tool call may need several."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """Least level that is logged."""

    @field_validator("namespaces")
    @classmethod
    def _refuse_bad_names(cls, value: str) -> str:
        for name in _parts(value):
            if not _NAMESPACE.match(name):
                raise ValueError(f"holds {name!r}, which is no namespace name")
        return value

    @field_validator("log_groups")
    @classmethod
    def _refuse_bad_groups(cls, value: str) -> str:
        for group in _parts(value):
            if not _LOG_GROUP.fullmatch(group):
                raise ValueError(f"holds {group!r}, which is no log group's name or beginning")
        return value

    @cached_property
    def readable_log_groups(self) -> tuple[str, ...]:
        """The log groups that may be searched; one that ends in `*` is a beginning."""
        return tuple(_parts(self.log_groups))

    @cached_property
    def mark(self) -> str:
        """The word that marks gaps and remarks; who is reached with this token alone knows it."""
        return mark_for(f"Bearer {self.servers_token.get_secret_value()}")

    @cached_property
    def namespace_names(self) -> tuple[str, ...]:
        """The readable namespaces, in the given order."""
        return tuple(_parts(self.namespaces))


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
