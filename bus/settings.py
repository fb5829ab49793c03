"""Settings that every service shares: where the bus is, and figures all of them must agree on."""

import os
import socket
from functools import cached_property
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bus.address import Address, address_of
from bus.errors import NotConfigured

S = TypeVar("S", bound=BaseSettings)


class BusSettings(BaseSettings):
    """Read from the environment only; unknown variables are left alone, wrong values refused."""

    model_config = SettingsConfigDict(
        env_prefix="NIGHTSHIFT_", extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), validation_alias="REDIS_URL"
    )
    """Where streams and state live: `redis://` or `rediss://`; with Sentinels `redis+sentinel://`
    or `rediss+sentinel://` (docs/redis.md)."""
    stream_prefix: str = Field(default="nightshift:", min_length=1, max_length=100)
    """Put before every key and stream name; a hash tag such as `{nightshift}:` keeps one slot."""
    generation: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,64}$")
    """What `nightshift init` printed: a Redis without it is refused. Empty: any Redis will do."""
    lease_seconds: float = Field(default=30.0, ge=0.5, le=600)
    """How long an entry stays with a replica that no longer renews it."""
    deadline_seconds: float = Field(default=300.0, ge=2, le=86_400)
    """From acceptance to the outcome, whatever happens."""
    http_host: str = ""
    """Address on which `/healthz`, `/readyz` and `/metrics` listen; empty: every interface."""
    http_port: int = Field(default=8080, ge=0, le=65_535)
    """Port of the same; 0 takes a free one and logs it."""
    replica: str = Field(default="", max_length=200)
    """Name of this process among its replicas; the host name and process id when empty."""
    max_workers: int = Field(default=200, ge=1, le=2_000)
    """Entries of one stream that one process works on at the same time."""
    drain_seconds: float = Field(default=8.0, ge=0.1, le=600)
    """Time handlers get to finish after SIGTERM, before their entries are handed over."""
    janitor_seconds: float = Field(default=60.0, ge=0.05, le=86_400)
    """How often a stream's owner trims it."""
    keep_acknowledged_seconds: float = Field(default=3600.0, ge=0, le=31_536_000)
    """How long an entry stays on its stream at least, for whoever looks with `XRANGE`."""
    redis_wait_seconds: float = Field(default=10.0, ge=0)
    """How long a start waits for Redis before it gives up with a sentence."""
    envelopes: Literal["off", "sign", "require"] = "off"
    """Signed entries: `sign` writes and counts them, `require` refuses all others (decision 0043);
    `incidents` takes unsigned ones always."""
    envelope_keys: SecretStr = SecretStr("")
    """What they are signed with and checked by; `nightshift envelope-keys` makes it."""
    redaction_key: SecretStr = SecretStr("")
    """Key of the hashes in tags (`[secret:password:1a2b3c4d]`); without it, what could be guessed
    gets a tag without a hash."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """Least level that is logged."""

    @field_validator("redis_url")
    @classmethod
    def _refuse_bad_address(cls, value: SecretStr) -> SecretStr:
        address_of(value.get_secret_value())
        return value

    @cached_property
    def address(self) -> Address:
        """Where Redis is, taken apart."""
        return address_of(self.redis_url.get_secret_value())

    @cached_property
    def consumer(self) -> str:
        """The name under which this process reads: unique among replicas, stable in a pod."""
        return self.replica or f"{socket.gethostname()}-{os.getpid()}"


def load(kind: type[S]) -> S:
    """Settings of that class from the environment.

    Raises NotConfigured with one sentence that names every wrong or missing variable.
    """
    try:
        return kind()
    except ValidationError as error:
        raise NotConfigured("settings: " + "; ".join(_problems(kind, error))) from None


def variable_of(kind: type[BaseSettings], field: str) -> str:
    """The environment variable that sets a field."""
    alias = kind.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"{kind.model_config['env_prefix']}{field}".upper()


def _problems(kind: type[BaseSettings], error: ValidationError) -> list[str]:
    names = {variable_of(kind, field).lower(): field for field in kind.model_fields}
    found = []
    for problem in error.errors():
        given = str(problem["loc"][0]) if problem["loc"] else "?"
        field = names.get(given.lower(), given)
        variable = variable_of(kind, field) if field in kind.model_fields else given
        reason = "is missing" if problem["type"] == "missing" else problem["msg"]
        found.append(f"{variable} {reason.removeprefix('Value error, ')}")
    return found
