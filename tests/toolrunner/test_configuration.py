"""Settings and the `mcpServers` file: what is refused, and in which words."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from bus.errors import NotConfigured
from bus.settings import load
from services.toolrunner.adapters.mcp_servers_file import load_servers
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import OWN, catalogue_of
from services.toolrunner.ports import Tool
from services.toolrunner.servers.settings import ServersSettings
from tests.toolrunner.policies import Permits


def servers_file(folder: Path, servers: object) -> str:
    file = folder / "servers.json"
    file.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    return str(file)


def test_variables_in_headers_and_env_are_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "open sesame")
    entries = load_servers(
        servers_file(
            tmp_path,
            {
                "far": {
                    "type": "http",
                    "url": "https://mcp.example/",
                    "headers": {"X-Key": "k ${SHOP_KEY}"},
                },
                "near": {"command": "mcp-near", "args": ["-q"], "env": {"KEY": "${SHOP_KEY}"}},
            },
        )
    )
    assert entries["far"].headers == {"X-Key": "k open sesame"}
    assert entries["near"].env == {"KEY": "open sesame"}
    assert "sesame" not in repr(entries)


@pytest.mark.parametrize(
    ("servers", "reason"),
    [
        ({"a": {}}, "either `url` or `command`"),
        ({"a": {"url": "ftp://x"}}, "mcpServers.a.url"),
        ({"a": {"url": "http://x", "callsPerSecond": -1}}, "mcpServers.a.callsPerSecond"),
        ({"a": {"url": "http://x", "callsAtOnce": 0}}, "mcpServers.a.callsAtOnce"),
        ({"a": {"url": "http://x", "type": "stdio"}}, "is of type stdio"),
        ({"a": {"url": "http://x", "type": "sse"}}, "mcpServers.a.type"),
        ({"a": {"url": "http://x", "headrs": {}}}, "has a key 'headrs'; known are url, headers,"),
        ({"a": {"command": "x", "excludeTools": ["x"]}}, "server 'a' has a key 'excludeTools'"),
        ({"a": {"url": "http://x", "calls_at_once": 1}}, "has a key 'calls_at_once'"),
        ({"a__b": {"url": "http://x"}}, "cannot be a server's name"),
        ({"a_": {"url": "http://x"}}, "cannot be a server's name"),
        ({"a": {"url": "http://x", "headers": {"k": "${NOT_THERE_AT_ALL}"}}}, "NOT_THERE_AT_ALL"),
        ({"a": {"command": "x", "args": ["--token", "${KEY}"]}}, "a: ${KEY} is filled in within"),
        ({"a": {"url": "http://${HOST}/mcp"}}, "a: ${HOST} is filled in within `headers` and"),
        ([], "mcpServers"),
    ],
)
def test_a_servers_file_that_is_wrong_is_refused_in_one_sentence(
    tmp_path: Path, servers: object, reason: str
) -> None:
    with pytest.raises(NotConfigured) as refused:
        load_servers(servers_file(tmp_path, servers))
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_server_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "servers.json"
    file.write_text('{"mcpServers": {"a": {"url": "http://x"}, "a": {"url": "http://y"}}}')
    with pytest.raises(NotConfigured, match="'a' stands twice in one object"):
        load_servers(str(file))


def test_what_other_programs_write_may_stand_and_is_named_in_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = {"command": "mcp-near", "type": "stdio", "timeout": 60, "alwaysAllow": ["sell"]}
    file = servers_file(tmp_path, {"near": theirs | {"disabled": False}})
    assert load_servers(file)["near"].command == "mcp-near"
    told = sorted(record.getMessage() for record in caplog.records)
    assert told == [
        f"{file}: alwaysAllow of server 'near' is not read: the policy says what may be called",
        f"{file}: timeout of server 'near' is not read: NIGHTSHIFT_TOOL_SECONDS counts",
    ]


def test_a_disabled_server_is_not_asked(tmp_path: Path) -> None:
    servers = {"far": {"url": "http://x", "disabled": True}, "near": {"command": "x"}}
    assert list(load_servers(servers_file(tmp_path, servers))) == ["near"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NIGHTSHIFT_SERVERS_TOKEN", "short"),
        ("NIGHTSHIFT_REPOSITORY", "no-owner"),
        ("NIGHTSHIFT_REPOSITORY", "a/.."),
        ("NIGHTSHIFT_NAMESPACES", "boutique,../x"),
        ("NIGHTSHIFT_LOG_GROUPS", "*"),
        ("NIGHTSHIFT_LOG_GROUPS", "/shop/*,/a b"),
        ("GITHUB_API_URL", "api.github.com"),
    ],
)
def test_settings_of_the_built_in_servers_that_are_wrong_are_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_SERVERS_TOKEN", "x" * 16)
    monkeypatch.setenv(variable, value)
    with pytest.raises(NotConfigured, match=variable):
        load(ServersSettings)


def test_odd_long_repeated_and_broken_tools_are_left_out_of_the_catalogue(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = ("ok", "x" * 70, "sp ace", "twice", "twice", "broken")
    gate = Permits(tuple(f"shop__{name}" for name in names))
    broken: dict[str, JsonValue] = {"type": "object", "properties": {"a": {"type": 7}}}
    tools = [
        Tool(f"shop__{name}", "", broken if name == "broken" else {"type": "object"})
        for name in names
    ]
    catalogue = catalogue_of([OWN, *tools], gate, check=StrictSchema())
    assert sorted(catalogue.schemas) == ["read_result", "shop__ok"]
    assert len(caplog.records) == 5


def test_the_catalogue_is_the_same_bytes_whatever_the_order_of_servers() -> None:
    gate = Permits(("a__x", "a__y", "b__z"))
    schema: dict[str, JsonValue] = {"properties": {"q": {"type": "string"}}, "type": "object"}
    tools = [Tool(name, "Words.", schema) for name in ("a__x", "a__y", "b__z")]
    one = catalogue_of(tools, gate, check=StrictSchema())
    other = catalogue_of(reversed(tools), gate, check=StrictSchema())
    assert one.sha256 == other.sha256


def test_unknown_arguments_are_refused_also_inside_objects_that_list_their_properties() -> None:
    gate = Permits(("a__x",))
    inner: JsonValue = {"type": "object", "properties": {"b": {"type": "string"}}}
    schema: dict[str, JsonValue] = {
        "properties": {
            "one": inner,
            "many": {"type": "array", "items": inner},
            "open": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    }
    check = StrictSchema()
    strict = catalogue_of([Tool("a__x", "", schema)], gate, check=check).schemas["a__x"]
    assert not check.problem(strict, {"one": {"b": ""}, "many": [{}], "open": {"any": "x"}})
    wrongs: list[dict[str, JsonValue]] = [
        {"two": 1},
        {"one": {"c": 1}},
        {"many": [{"c": 1}]},
        {"open": {"any": 1}},
    ]
    for wrong in wrongs:
        assert check.problem(strict, wrong)


def test_words_about_arguments_lose_what_does_not_show_and_values_stay() -> None:
    hidden, gate = "a\u200b\u202eb", Permits(("a__x",))
    argument: JsonValue = {"description": hidden, "enum": [hidden], "anyOf": [{"title": hidden}]}
    schema: dict[str, JsonValue] = {"properties": {"description": argument}}
    shown = catalogue_of([Tool("a__x", hidden, schema)], gate, check=StrictSchema())
    (tool,) = [tool for tool in json.loads(shown.text) if tool["name"] == "a__x"]
    assert tool["description"] == "ab"
    inner = tool["input_schema"]["properties"]["description"]
    assert inner == {"description": "ab", "enum": [hidden], "anyOf": [{"title": "ab"}]}


def test_a_schema_never_reaches_out_for_another_document() -> None:
    schema: dict[str, JsonValue] = {"properties": {"a": {"$ref": "http://127.0.0.1:1/schema.json"}}}
    assert "refers to" in StrictSchema().problem(schema, {"a": 1})
