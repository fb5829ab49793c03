"""Settings of the reasoner: the model, its key, and what an investigation may spend."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    FilePath,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from bus.settings import BusSettings
from services.reasoner.budget import Limits

ModelName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Settings(BusSettings):
    """Read from the environment only."""

    anthropic_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias="ANTHROPIC_API_KEY"
    )
    """Key of the model API; this service and no other holds it."""
    anthropic_auth_token: SecretStr = Field(
        default=SecretStr(""), validation_alias="ANTHROPIC_AUTH_TOKEN"
    )
    """A bearer token in place of the key, for gateways that give one."""
    anthropic_base_url: str = Field(
        default="https://api.anthropic.com",
        validation_alias="ANTHROPIC_BASE_URL",
    )
    """Where the Messages API is."""
    provider: Literal["anthropic", "bedrock", "bedrock-runtime", "vertex"] = "anthropic"
    """Who serves the model; the other providers take theirs from their usual variables."""
    model: ModelName = Field(default="claude-sonnet-5-5", min_length=1, max_length=200)
    """The model that investigates; one investigation should see one model."""
    fallback_model: ModelName = Field(default="", max_length=200)
    """Asked when the model is overloaded, silent or failing; empty: nobody is."""
    thinking: bool = True
    """Ask for adaptive thinking; off for models that do not know it."""
    caching: bool = True
    """Mark what the API may cache; off for servers that refuse the marks."""
    force_conclusion: bool = False
    """Force `submit_diagnosis` in the conclude turn, where a model allows it (without thinking)."""
    max_reply_tokens: int = Field(default=8192, ge=256, le=21_000)
    """Most tokens of one reply; above 21,000 the SDK would want streaming."""
    model_seconds: float = Field(default=90.0, gt=0, le=600)
    """Longest ordinary model call, its own retries included."""
    context_tokens: int = Field(default=200_000, ge=8_000)
    """Context window to keep within; old results are cleared at 60 % of it."""
    cache_hour: Literal["auto", "on", "off"] = "auto"
    """Hold tools and system in the prompt cache for an hour; auto: when another investigation began
    in the hour before."""
    catalog: FilePath | None = None
    """The services file, also ingest's: a table `[services.name]` each, with `calls`, `path`,
    `owner`, `runbook`, `logs` (the form of its log); told in every request. Without it the model is
    told none."""
    verify: Literal["off", "on"] = "off"
    """A second call judges each diagnosis by its quotes; it can only lower the confidence."""
    verify_model: ModelName = Field(default="", max_length=200)
    """The model of that second call; empty: the one that investigates."""
    model_requests_per_minute: int = Field(default=0, ge=0)
    """Model calls of all replicas together, per model; 0: no limit but the API's."""
    model_tokens_per_minute: int = Field(default=0, ge=0)
    """Input tokens of all replicas together, cache reads not counted; 0: no limit but the API's."""
    model_failures: int = Field(default=8, ge=0)
    """Failures in a row, of two investigations at least, that leave the model alone; 0: never."""
    model_pause_seconds: float = Field(default=10.0, gt=0, le=600)
    """How long it is left alone; then one call tries."""
    max_turns: int = Field(default=12, ge=1, le=1000)
    """Ordinary turns of an investigation; the conclude turn and its one repeat come on top."""
    max_tool_calls: int = Field(default=40, ge=0, le=10_000)
    """Tool calls that an investigation may send out."""
    max_parallel_calls: int = Field(default=5, ge=1, le=100)
    """Tool calls of one reply that go out; the others are answered as not run."""
    max_tokens: int = Field(default=1_000_000, ge=1)
    """Tokens of an investigation, in and out, cached ones included."""
    max_cost_usd: float = Field(default=1.0, ge=0)
    """Dollars of an investigation, with the conclude turn's worst case held back."""
    max_day_cost_usd: float = Field(default=100.0, ge=0)
    """Dollars of all investigations of a UTC day."""
    prices_file: str = ""
    """A price file in place of the one that is built in; same form."""

    @field_validator("anthropic_api_key", "anthropic_auth_token")
    @classmethod
    def _plain_credential(cls, value: SecretStr) -> SecretStr:
        """Without the blanks that a file leaves; an error about a header would show the whole."""
        plain = value.get_secret_value().strip()
        if not (plain.isascii() and plain.isprintable()):
            raise ValueError("holds a line break, or another character that no header may hold")
        return SecretStr(plain)

    @field_validator("anthropic_base_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value.strip())
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            whole = False
        if not whole:
            raise ValueError("must look like https://host or http://host:8000/path")
        if parts.path.rstrip("/").endswith("/v1"):
            raise ValueError("must not end in /v1, which is added to it: /v1/messages is asked")
        return value.strip()

    @field_validator("catalog", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return value or None

    @field_validator("fallback_model")
    @classmethod
    def _another_model(cls, value: str, given: ValidationInfo) -> str:
        if value and value == given.data.get("model"):
            raise ValueError("is the model itself: name another one, or none")
        return value

    @field_validator("verify_model")
    @classmethod
    def _only_with_verify(cls, value: str, given: ValidationInfo) -> str:
        if value and given.data.get("verify") == "off":
            raise ValueError("is set, but NIGHTSHIFT_VERIFY is off")
        return value

    @field_validator("context_tokens")
    @classmethod
    def _longer_than_a_reply(cls, value: int, given: ValidationInfo) -> int:
        if value <= (reply := given.data.get("max_reply_tokens", 0)):
            raise ValueError(f"must be more than NIGHTSHIFT_MAX_REPLY_TOKENS, which is {reply}")
        return value

    @property
    def models(self) -> tuple[str, ...]:
        """The model, and the fallback where there is one."""
        return (self.model, self.fallback_model) if self.fallback_model else (self.model,)

    @property
    def limits(self) -> Limits:
        """What one investigation may spend."""
        return Limits(
            turns=self.max_turns,
            tool_calls=self.max_tool_calls,
            parallel_calls=self.max_parallel_calls,
            tokens=self.max_tokens,
            cost_usd=self.max_cost_usd,
            reply_tokens=self.max_reply_tokens,
            context_tokens=self.context_tokens,
        )
