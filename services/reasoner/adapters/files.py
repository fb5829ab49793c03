"""The reasoner's data files: texts to the model, the tool that ends, the prices."""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from bus.errors import NotConfigured
from services.reasoner.budget import Prices, doubts, prices_from
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
    return read


def submit_tool() -> Block:
    """The definition of `submit_diagnosis`."""
    text = _HERE.joinpath("tools", "submit_diagnosis.json").read_text(encoding="utf-8")
    tool: Block = json.loads(text)
    return tool


def prices(path: str = "", *, models: Sequence[str] = ()) -> Prices:
    """The built-in price list, or that file's; what it lacks for those models is logged.

    Raises NotConfigured when it cannot be used.
    """
    source = Path(path) if path else _HERE.joinpath("prices.toml")
    try:
        read = prices_from(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotConfigured(f"NIGHTSHIFT_PRICES_FILE cannot be read: {error}") from None
    for doubt in doubts(read, models, today=datetime.now(UTC).date()) if models else ():
        log.warning("%s", doubt)
    return read
