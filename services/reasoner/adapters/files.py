"""The reasoner's data files: texts to the model, the tool that ends, the prices."""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from bus.errors import NotConfigured
from services.reasoner.budget import too_small
from services.reasoner.offering import offered
from services.reasoner.prices import Prices, doubts, prices_from
from services.reasoner.rules import Rules
from services.reasoner.service_catalogue import service_catalogue
from services.reasoner.settings import Settings
from services.reasoner.transcript import Block
from services.reasoner.turn import Texts

log = logging.getLogger(__name__)
_HERE = files("services.reasoner")


def texts() -> Texts:
    """The texts of `prompts/`. Raises NotConfigured for a missing, unknown or wrong file."""
    found = {
        path.name.removesuffix(".md"): path.read_text(encoding="utf-8").strip()
        for path in _HERE.joinpath("prompts").iterdir()
        if path.name.endswith(".md")
    }
    if set(found) != set(Texts.model_fields):
        odd = ", ".join(sorted(set(found) ^ set(Texts.model_fields)))
        raise NotConfigured(f"prompts: these files are missing or unknown: {odd}")
    read = Texts(**found)
    read.conclusion("deadline")
    read.nudge("the same calls")
    return read


def submit_tool() -> Block:
    """The definition of `submit_diagnosis`, as the model is told it."""
    return _tool("submit_diagnosis")


def judge_tool() -> Block:
    """The definition of `judge_diagnosis`, for the second look."""
    return _tool("judge_diagnosis")


def _tool(name: str) -> Block:
    text = _HERE.joinpath("tools", f"{name}.json").read_text(encoding="utf-8")
    return offered(json.loads(text))


def services(path: Path | None) -> str:
    """The service catalogue of that file, as the model reads it. Raises NotConfigured."""
    if path is None:
        return ""
    try:
        return service_catalogue(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, NotConfigured) as error:
        raise NotConfigured(f"NIGHTSHIFT_CATALOG {path} cannot be used: {error}") from None


def prices(path: str = "", *, models: Sequence[str] = ()) -> Prices:
    """The built-in price list, or that file's; what it lacks for those models is logged.

    Raises NotConfigured when it cannot be used.
    """
    source = Path(path) if path else _HERE.joinpath("prices.toml")
    try:
        read = prices_from(source.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"NIGHTSHIFT_PRICES_FILE cannot be read: {error}") from None
    for doubt in doubts(read, models, today=datetime.now(UTC).date()) if models else ():
        log.warning("%s", doubt)
    return read


def rules_of(settings: Settings) -> Rules:
    """What all turns have in common. Raises NotConfigured when a data file cannot be used."""
    listed = prices(settings.prices_file, models=settings.models)
    for model in settings.models:
        if warning := too_small(listed, model, limits=settings.limits):
            log.warning("%s", warning)
    return Rules(
        model=settings.model,
        fallback_model=settings.fallback_model,
        limits=settings.limits,
        prices=listed,
        texts=texts(),
        submit=submit_tool(),
        model_seconds=settings.model_seconds,
        services=services(settings.catalog),
        cache_hour=settings.cache_hour,
    )
