"""The reasoner's data files: texts to the model, the tool that ends, the prices."""

import json
from importlib.resources import files
from pathlib import Path

from bus.errors import NotConfigured
from services.reasoner.budget import Prices, prices_from
from services.reasoner.offering import offered
from services.reasoner.service_catalogue import service_catalogue
from services.reasoner.transcript import Block
from services.reasoner.turn import Texts

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
    """The definition of `submit_diagnosis`, as the model is told it."""
    text = _HERE.joinpath("tools", "submit_diagnosis.json").read_text(encoding="utf-8")
    return offered(json.loads(text))


def services(path: Path | None) -> str:
    """The service catalogue of that file, as the model reads it. Raises NotConfigured."""
    if path is None:
        return ""
    try:
        return service_catalogue(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, NotConfigured) as error:
        raise NotConfigured(f"NIGHTSHIFT_CATALOG {path} cannot be used: {error}") from None


def prices(path: str = "") -> Prices:
    """The built-in price list, or that file's. Raises NotConfigured when it cannot be used."""
    if not path:
        return prices_from(_HERE.joinpath("prices.toml").read_text(encoding="utf-8"))
    try:
        return prices_from(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NotConfigured(f"NIGHTSHIFT_PRICES_FILE cannot be read: {error}") from None
