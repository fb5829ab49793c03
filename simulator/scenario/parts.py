"""What every part of a scenario is made of: frozen, closed values with bounds."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST_LINES = 2_000_000
"""Of all logs together."""
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Number = Annotated[float, Field(ge=-1e15, le=1e15)]
Age = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=3650))]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class Part(BaseModel):
    """A part of a scenario; its fields explain themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
