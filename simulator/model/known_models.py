"""The models that the stand-in answers for, and what sets them apart."""

from dataclasses import dataclass
from typing import Literal

from simulator.model.refusal import Refused


@dataclass(frozen=True)
class KnownModel:
    """One model: the kinds of thinking it takes, whether it shows them unasked, and its limits."""

    id: str
    name: str
    thinking: frozenset[str]
    display: Literal["summarized", "omitted"] = "omitted"
    max_output_tokens: int = 128_000
    max_input_tokens: int = 1_000_000

    def described(self) -> dict[str, object]:
        """What `GET /v1/models/{id}` says."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": f"{self.name} [scripted]",
            "created_at": "1970-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": self.max_input_tokens,
            "max_tokens": self.max_output_tokens,
        }


_ALWAYS = frozenset({"adaptive", "between_tools"})
_ON_OR_OFF = frozenset({"adaptive", "disabled"})
_BY_BUDGET = frozenset({"adaptive", "enabled", "disabled"})

MODELS = {
    model.id: model
    for model in (
        KnownModel("claude-sonnet-5-5", "Claude Sonnet 5.5", _ALWAYS),
        KnownModel("claude-opus-5-5", "Claude Opus 5.5", frozenset({"adaptive"})),
        KnownModel("claude-haiku-5-5", "Claude Haiku 5.5", _ON_OR_OFF),
        KnownModel("claude-fable-5-1", "Claude Fable 5.1", frozenset({"adaptive"})),
        KnownModel("claude-sonnet-5", "Claude Sonnet 5", _ON_OR_OFF),
        KnownModel("claude-opus-5", "Claude Opus 5", _ON_OR_OFF),
        KnownModel("claude-opus-4-6", "Claude Opus 4.6", _BY_BUDGET, "summarized"),
        KnownModel("claude-sonnet-4-6", "Claude Sonnet 4.6", _BY_BUDGET, "summarized"),
        KnownModel(
            "claude-haiku-4-5",
            "Claude Haiku 4.5",
            frozenset({"enabled", "disabled"}),
            "summarized",
            max_output_tokens=64_000,
            max_input_tokens=200_000,
        ),
    )
}


def known_model(model_id: str) -> KnownModel:
    """The model of that id. Raises Refused (404) when there is none."""
    model = MODELS.get(model_id)
    if model is None:
        raise Refused(f"model: {model_id}", "not_found_error")
    return model
