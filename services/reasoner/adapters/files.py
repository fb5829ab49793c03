"""The reasoner's data files: texts to the model, the tool that ends, the prices."""

import json
from importlib.resources import files
from pathlib import Path

from bus.errors import NotConfigured
from services.reasoner.budget import Prices, prices_from
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
    """The definition of `submit_diagnosis`."""
    return _tool("submit_diagnosis")


def judge_tool() -> Block:
    """The definition of `judge_diagnosis`, for the second look."""
    return _tool("judge_diagnosis")


def _tool(name: str) -> Block:
    text = _HERE.joinpath("tools", f"{name}.json").read_text(encoding="utf-8")
    tool: Block = json.loads(text)
    return tool


def prices(path: str = "") -> Prices:
    """The built-in price list, or that file's. Raises NotConfigured when it cannot be used."""
    if not path:
        return prices_from(_HERE.joinpath("prices.toml").read_text(encoding="utf-8"))
    try:
        return prices_from(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NotConfigured(f"NIGHTSHIFT_PRICES_FILE cannot be read: {error}") from None
