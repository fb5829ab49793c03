"""A scripted model that speaks Anthropic's Messages API and refuses what the real one refuses."""

from simulator.model.web import build_model, build_plain_model

__all__ = ["build_model", "build_plain_model"]
