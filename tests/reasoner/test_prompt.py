"""What every request pays for: tools, system and service catalogue, told in few tokens."""

import hashlib
import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from bus.errors import NotConfigured
from services.reasoner import turn
from services.reasoner.adapters import files
from services.reasoner.budget import Limits
from services.reasoner.offering import compact, offered
from services.reasoner.service_catalogue import names_in, service_catalogue
from services.reasoner.turn import Seen
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import OWN, canonical, strict
from simulator.model.shapes import MessagesRequest, parse
from simulator.model.speeches import parts
from simulator.model.usage import tokens
from simulator.scenario import SCENARIOS
from tests.bus.incidents import a_record

ROOT = Path(__file__).parent.parent.parent
LOCK = ROOT / "services/toolrunner/policies/tools.lock.json"
CATALOGUE = SCENARIOS / "services" / "microservices-demo.toml"
SHIPPED = ROOT / "deploy/k8s/overlays/online-boutique/services.toml"
PROMPTS = ROOT / "services/reasoner/prompts"
MOST_TOKENS = 2_500
VERSIONS = {"4": "8b6fc6bf0d88"}
"""Of each version the hash of its texts: change a text, and both are new."""


def published() -> list[dict[str, JsonValue]]:
    """The built-in tools as the toolrunner publishes them: canonical, strict."""
    found: list[dict[str, JsonValue]] = [
        {
            "name": f"{server}__{tool['name']}",
            "description": "\n".join(tool["description"]),
            "input_schema": strict(tool["input_schema"]),
        }
        for server, tools in json.loads(LOCK.read_text())["servers"].items()
        for tool in tools
    ]
    own = {"name": OWN.name, "description": OWN.description}
    found.append({**own, "input_schema": strict(OWN.input_schema)})
    listed = canonical(sorted(found, key=lambda tool: str(tool["name"])))
    again: list[dict[str, JsonValue]] = json.loads(listed)
    return again


@pytest.mark.parametrize("catalogue", [CATALOGUE, SHIPPED], ids=["simulated", "shipped"])
def test_tools_system_and_service_catalogue_take_at_most_2500_tokens(catalogue: Path) -> None:
    seen = Seen(
        transcript=[],
        shown={},
        tools=(*map(offered, published()), files.submit_tool()),
        services=files.services(catalogue),
    )
    request = turn.build(a_record(), seen, texts=files.texts(), limits=Limits())
    body = {"model": "claude-sonnet-5-5", "max_tokens": 8192, **request.body()}
    prompt = parse(json.dumps(body).encode(), MessagesRequest)
    prefix = parts(prompt)[: len(prompt.tools) + len(prompt.system)]
    assert len(prefix) == 22
    assert tokens(sum(map(len, prefix))) <= MOST_TOKENS


def test_a_schema_for_reading_keeps_names_types_and_choices_and_loses_bounds() -> None:
    schema: dict[str, JsonValue] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["title"],
        "properties": {
            "title": {"type": "string", "title": "Title", "maxLength": 3, "default": ""},
            "limit": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
            "deep": {"type": "boolean", "default": True},
            "maybe": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
            "either": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]},
        },
    }
    told = offered({"name": "s__t", "description": "Does it.", "input_schema": schema})
    assert told["input_schema"] == {
        "type": "object",
        "required": ["title"],
        "properties": {
            "title": {},
            "limit": {"type": "integer", "default": 5},
            "deep": {"type": "boolean", "default": True},
            "maybe": {"type": "array", "items": {}},
            "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        },
    }


def test_what_the_model_is_not_told_the_toolrunner_refuses_by_name() -> None:
    (logs,) = (tool for tool in published() if tool["name"] == "kubernetes__get_logs")
    schema = logs["input_schema"]
    assert isinstance(schema, dict)
    given: dict[str, JsonValue] = {"namespace": "boutique", "pod": "cart-1", "tail_lines": 9000}
    said = StrictSchema().problem(schema, given)
    assert said == "tail_lines: 9000 is greater than the maximum of 5000"


def test_services_are_told_in_one_order_whatever_order_the_file_has() -> None:
    one = '[services.b]\ncalls = ["a"]\npath = "src/b"\nowner = "team b"\n[services.a]'
    other = '[services.a]\n[services.b]\nowner = "team b"\npath = "src/b"\ncalls = ["a"]'
    assert service_catalogue(one) == service_catalogue(other)
    assert service_catalogue(one).split("\n")[1:] == ["a", "b [src/b] team b -> a"]
    assert service_catalogue('services = ["b", "a"]').split("\n")[1:] == ["a", "b"]
    assert service_catalogue("services = []") == files.services(None) == ""


def test_the_form_of_a_log_is_told_where_the_file_tells_it() -> None:
    told = service_catalogue('[services.b]\nlogs = "JSON level"\ncalls = ["a"]\n[services.a]')
    assert told.split("\n")[1:] == ["a", "b {JSON level} -> a"]
    assert "runbook {its log} ->" in told.split("\n")[0]
    assert names_in(told) == {"a", "b"}
    assert "its log" not in service_catalogue("[services.a]")


@pytest.mark.parametrize(
    "text",
    [
        *("", "services = 3", "services = [", "[services.a]\ncall = []", '[services."a b"]'),
        *("[services.a]\ncalls = [1]", '[services.a]\nowner = "x\\ny"', "[services.a]\n" * 2),
    ],
)
def test_a_wrong_services_file_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text(text)
    with pytest.raises(NotConfigured, match=r"services\.toml cannot be used: .+") as refused:
        files.services(path)
    assert "\n" not in str(refused.value)


def test_every_change_of_a_text_has_a_version_of_its_own() -> None:
    texts = files.texts()
    told = compact({**texts.model_dump(exclude={"version"}), "submit": files.submit_tool()})
    assert {texts.version: hashlib.sha256(told.encode()).hexdigest()[:12]} == VERSIONS
