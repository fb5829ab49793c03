"""Names of spans are those of OpenTelemetry's conventions where there is one, and stand once."""

import importlib
import pkgutil
import re
from collections import Counter

import pytest
from opentelemetry.semconv import _incubating

from bus import conventions
from bus.conventions import ALLOWED
from tests.house.sources import none, sources

NEWER = {
    # The installed package has the names from before they moved to a repository of their own
    # (open-telemetry/semantic-conventions-genai), and what Anthropic's own SDK writes is newer.
    "gen_ai.usage.cache_write.input_tokens",
    "rpc.response.status_code",
}
OURS = ("nightshift.", "slack.", "fastmcp.")
BODIES = re.compile(
    r"message|arguments|result|instructions|prompt$|completion|content|document|query|body|header"
)
LITERAL = re.compile(r'"((?:gen_ai|nightshift|messaging|mcp|slack)\.[a-z_]+(?:\.[a-z_]+)*)"')
INSTRUMENTS = re.compile(r"bus/metrics\.py|services/\w+/measures\.py")


def published() -> set[str]:
    """Every attribute name of the installed conventions, incubating ones included."""
    found: set[str] = set()
    for package in (_incubating.__name__ + ".attributes", "opentelemetry.semconv.attributes"):
        folder = importlib.import_module(package)
        for module in pkgutil.iter_modules(folder.__path__, f"{package}."):
            values = vars(importlib.import_module(module.name)).values()
            found |= {value for value in values if isinstance(value, str)}
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_name_is_a_published_one_or_ours() -> None:
    foreign = {name for name in ALLOWED if not name.startswith(OURS)}
    assert foreign - published() - NEWER == set()
    assert {"gen_ai.operation.name", "mcp.method.name", "messaging.system"} <= foreign


def test_no_name_is_for_what_was_said_to_a_model_or_a_tool() -> None:
    assert {name for name in ALLOWED if BODIES.search(name)} == {"messaging.message.id"}


def test_every_name_stands_once() -> None:
    values = [value for name, value in vars(conventions).items() if name.isupper()]
    counted = Counter(value for value in values if isinstance(value, str))
    assert [name for name, count in counted.items() if count > 1] == []


def test_names_stand_nowhere_else() -> None:
    none(
        (
            f"{source.path}: {found}"
            for source in sources("bus", "services")
            if str(source.path) != "bus/conventions.py"
            and not INSTRUMENTS.fullmatch(str(source.path))
            for found in LITERAL.findall(source.text)
            if found != "slack.com"
        ),
        "the names of spans stand in bus/conventions.py",
    )
