"""What all turns of a process have in common."""

from dataclasses import dataclass
from typing import Literal

from services.reasoner import budget
from services.reasoner.budget import Estimate, Limits, Size
from services.reasoner.prices import Prices
from services.reasoner.service_catalogue import names_in
from services.reasoner.transcript import Block
from services.reasoner.turn import Texts


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The model, its prices and limits, and all that it is told besides the incident."""

    model: str
    fallback_model: str = ""
    limits: Limits
    prices: Prices
    texts: Texts
    submit: Block
    model_seconds: float = 90.0
    services: str = ""
    """The service catalogue as the model reads it."""
    cache_hour: Literal["auto", "on", "off"] = "off"
    """Whether tools and system are held in the cache for an hour."""

    def estimate(self, size: Size) -> Estimate:
        """The worst case of a call: of the model or of its fallback, whichever is dearer."""
        return budget.dearest(
            [
                budget.estimate(self.prices, model, size=size, limits=self.limits)
                for model in {self.model, self.fallback_model or self.model}
            ]
        )

    @property
    def service_names(self) -> frozenset[str]:
        """Names of the service catalogue, where there is one."""
        return names_in(self.services)
