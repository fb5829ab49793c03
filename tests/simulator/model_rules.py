"""What Anthropic publishes of its Messages API: each rule at its limit and just beyond.

Every rule names the page that says so. Where the pages differ, the stricter one counts. `within`
and `beyond` are fields that change a good request.
"""

from dataclasses import dataclass

from tests.simulator.model_talk import MODEL

DOCS = "https://platform.claude.com/docs/en"
CREATE = f"{DOCS}/api/messages/create"
DEFINE_TOOLS = f"{DOCS}/agents-and-tools/tool-use/define-tools"
HANDLE_CALLS = f"{DOCS}/agents-and-tools/tool-use/handle-tool-calls"
CACHING = f"{DOCS}/build-with-claude/prompt-caching"
THINKING = f"{DOCS}/build-with-claude/extended-thinking"
ERRORS = f"{DOCS}/api/errors"
MODELS = f"{DOCS}/about-claude/models/overview"
VERSIONS = f"{DOCS}/api/versioning"

OLDER = "claude-haiku-4-5"
"""A model that thinks within a budget."""
Fields = dict[str, object]
ASK: Fields = {"role": "user", "content": "Incident: cartservice."}
EPHEMERAL = {"type": "ephemeral"}


@dataclass(frozen=True)
class ModelRule:
    """One published rule; `status` is that of the refusal."""

    rule: str
    source: str
    within: Fields
    beyond: Fields
    status: int = 400


def tool(name: str = "look", **schema: object) -> Fields:
    """A tool with such a schema."""
    return {"name": name, "input_schema": {"type": "object"} | schema}


def _marked(count: int) -> Fields:
    blocks = [{"type": "text", "text": "word", "cache_control": EPHEMERAL} for _ in range(count)]
    return {"messages": [{"role": "user", "content": blocks}]}


def _called(*answers: Fields, **call: object) -> Fields:
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}} | call
    said = [ASK, {"role": "assistant", "content": [use]}]
    return {"messages": [*said, {"role": "user", "content": list(answers)}], "tools": [tool()]}


def _answer(**more: object) -> Fields:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"} | more


def _said(*blocks: object) -> Fields:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def _text(words: str) -> Fields:
    return {"type": "text", "text": words}


def _thinks(budget: int, most: int) -> Fields:
    thinking = {"type": "enabled", "budget_tokens": budget}
    return {"model": OLDER, "thinking": thinking, "max_tokens": most}


def _property(key: str) -> Fields:
    return {"tools": [tool(properties={key: {"type": "string"}})]}


RULES = [
    ModelRule("most output tokens", MODELS, {"max_tokens": 128_000}, {"max_tokens": 128_001}),
    ModelRule(
        "most output tokens of an older model",
        MODELS,
        {"model": OLDER, "max_tokens": 64_000},
        {"model": OLDER, "max_tokens": 64_001},
    ),
    ModelRule("max_tokens is needed", CREATE, {"max_tokens": 1}, {"max_tokens": None}),
    ModelRule("a known model", CREATE, {"model": MODEL}, {"model": "claude-2"}, status=404),
    ModelRule("a message at least", CREATE, {"messages": [ASK]}, {"messages": []}),
    ModelRule("100,000 messages", CREATE, {"messages": [ASK] * 3}, {"messages": [ASK] * 100_001}),
    ModelRule(
        "the user speaks first",
        CREATE,
        {"messages": [ASK]},
        {"messages": [{"role": "assistant", "content": "I begin"}, ASK]},
    ),
    ModelRule(
        "no prefill",
        CREATE,
        {"messages": [ASK, {"role": "assistant", "content": "It is"}, ASK]},
        {"messages": [ASK, {"role": "assistant", "content": "It is"}]},
    ),
    ModelRule("no empty text", CREATE, _said(_text("x")), _said(_text(""))),
    ModelRule("no blank text", CREATE, _said(_text(" x")), _said(_text(" \n"))),
    ModelRule("no empty message", CREATE, _said(_text("x")), _said()),
    ModelRule(
        "stop sequences are not blank",
        CREATE,
        {"stop_sequences": ["\nEND"]},
        {"stop_sequences": ["\n"]},
    ),
    ModelRule(
        "a user id of 256 characters",
        CREATE,
        {"metadata": {"user_id": "u" * 256}},
        {"metadata": {"user_id": "u" * 257}},
    ),
    ModelRule("unknown fields", CREATE, {"stream": False}, {"streaming": False}),
    ModelRule(
        "a tool's name of 64 characters",
        DEFINE_TOOLS,
        {"tools": [tool("a" * 64)]},
        {"tools": [tool("a" * 65)]},
    ),
    ModelRule(
        "letters of a tool's name",
        DEFINE_TOOLS,
        {"tools": [tool("a-Z_9")]},
        {"tools": [tool("a.b")]},
    ),
    ModelRule(
        "tools have different names",
        DEFINE_TOOLS,
        {"tools": [tool("a"), tool("b")]},
        {"tools": [tool("a"), tool("a")]},
    ),
    ModelRule(
        "a schema of an object", DEFINE_TOOLS, {"tools": [tool()]}, {"tools": [tool(type="array")]}
    ),
    ModelRule(
        "nothing combined at the top of a schema",
        DEFINE_TOOLS,
        {"tools": [tool(properties={"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}})]},
        {"tools": [tool(anyOf=[{"required": ["a"]}])]},
    ),
    ModelRule(
        "a schema by draft 2020-12",
        DEFINE_TOOLS,
        {"tools": [tool(properties={"a": {"type": "integer", "minimum": 1}})]},
        {"tools": [tool(properties={"a": {"type": "integer", "minimum": "1"}})]},
    ),
    ModelRule("a field's name of 64", DEFINE_TOOLS, _property("a" * 64), _property("a" * 65)),
    ModelRule("letters of a field's name", DEFINE_TOOLS, _property("a.b-c_1"), _property("a[b]")),
    ModelRule(
        "a tool choice needs tools",
        CREATE,
        {"tools": [tool()], "tool_choice": {"type": "auto"}},
        {"tools": [], "tool_choice": {"type": "auto"}},
    ),
    ModelRule("every call is answered", HANDLE_CALLS, _called(_answer()), _called(_text("no"))),
    ModelRule(
        "the answers come first",
        HANDLE_CALLS,
        _called(_answer(), _text("and")),
        _called(_text("and"), _answer()),
    ),
    ModelRule(
        "one answer to a call", HANDLE_CALLS, _called(_answer()), _called(_answer(), _answer())
    ),
    ModelRule(
        "an answer has a call",
        HANDLE_CALLS,
        _called(_answer()),
        _called(_answer(), _answer(tool_use_id="toolu_2")),
    ),
    ModelRule(
        "arguments are an object",
        HANDLE_CALLS,
        _called(_answer(), input={"a": 1}),
        _called(_answer(), input=["a"]),
    ),
    ModelRule(
        "letters of a call's id",
        HANDLE_CALLS,
        _called(_answer()),
        _called(_answer(tool_use_id="toolu 1"), id="toolu 1"),
    ),
    ModelRule("four cache markers", CACHING, _marked(4), _marked(5)),
    ModelRule(
        "the longer marker comes first",
        CACHING,
        {"system": [_text("a") | {"cache_control": EPHEMERAL | {"ttl": "1h"}}]} | _marked(1),
        {"system": [_text("a") | {"cache_control": EPHEMERAL}]}
        | _said(_text("b") | {"cache_control": EPHEMERAL | {"ttl": "1h"}}),
    ),
    ModelRule("1,024 tokens of thinking", THINKING, _thinks(1024, 4000), _thinks(1023, 4000)),
    ModelRule("thinking below max_tokens", THINKING, _thinks(2000, 2001), _thinks(2000, 2000)),
    ModelRule(
        "32 MB",
        ERRORS,
        _said(_text("x" * 1000)),
        _said(_text("x" * (32 * 1024 * 1024))),
        status=413,
    ),
]
