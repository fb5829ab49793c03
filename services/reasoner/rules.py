"""What all turns of a process have in common."""

from dataclasses import dataclass
from typing import Literal

from services.reasoner.budget import Limits, Prices
from services.reasoner.service_catalogue import names_in
from services.reasoner.transcript import Block
from services.reasoner.turn import Texts


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The model, its prices and limits, and all that it is told besides the incident."""

    model: str
    limits: Limits
    prices: Prices
    texts: Texts
    submit: Block
    model_seconds: float = 90.0
    services: str = ""
    """The service catalogue as the model reads it."""
    cache_hour: Literal["auto", "on", "off"] = "off"
    """Whether tools and system are held in the cache for an hour."""

    @property
    def service_names(self) -> frozenset[str]:
        """Names of the service catalogue, where there is one."""
        return names_in(self.services)
