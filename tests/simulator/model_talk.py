"""Talking to the scripted model as the reasoner does: tools, and results as they are shown."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from anthropic.types import Message, MessageParam, ToolParam, ToolResultBlockParam, ToolUseBlock

from simulator.logs import write_log
from simulator.scenario import Scenario

KEY = "key-of-the-tests"
MODEL = "claude-sonnet-5-5"
VERSION = "2026-10-21"
SUBMIT = "submit_diagnosis"
OPENING = "Incident: alarm cartservice-error fired. Service: cartservice."

_TEXT = {"type": "string"}
_ARGUMENTS = {
    "kubernetes__list_pods": ("namespace",),
    "kubernetes__get_logs": ("namespace", "pod", "container", "tail_lines", "previous"),
    "kubernetes__describe_workload": ("namespace", "kind", "name"),
    "kubernetes__list_events": ("namespace",),
    "kubernetes__list_workloads": ("namespace",),
    "kubernetes__rollout_history": ("namespace", "kind", "name"),
    "kubernetes__list_services": ("namespace", "name"),
    "kubernetes__list_network_policies": ("namespace",),
    "kubernetes__resource_usage": ("namespace", "workload_name"),
    "github__get_file_contents": ("path", "ref"),
    "github__search_code": ("query",),
    "github__list_commits": ("path", "limit"),
    "github__get_commit": ("sha", "path"),
    "github__get_file_blame": ("path", "ref", "start_line", "end_line"),
    "cloudwatch__describe_alarm": ("name",),
    "cloudwatch__search_logs": ("log_group", "pattern", "minutes"),
    "cloudwatch__get_metric_points": ("namespace", "metric", "minutes"),
}
_DIAGNOSIS: dict[str, object] = {
    "verdict": {"enum": ["fault", "healthy", "unknown"]},
    "summary": _TEXT,
    "root_cause": _TEXT,
    "component": _TEXT,
    "code_location": {"anyOf": [{"type": "object"}, {"type": "null"}]},
    "evidence": {"type": "array", "items": {"$ref": "#/$defs/Evidence"}},
    "ruled_out": {"type": "array", "items": {"type": "object"}},
    "gaps": {"type": "array", "items": {"type": "object"}},
    "fix": {"anyOf": [{"$ref": "#/$defs/Fix"}, {"type": "null"}]},
    "confidence": _TEXT,
}
_DEFINED = {
    "Evidence": {"type": "object", "properties": {"call_id": _TEXT, "quote": _TEXT}},
    "Fix": {"type": "object", "properties": {"summary": _TEXT, "diff": _TEXT}},
}


def tools(*, without: tuple[str, ...] = ()) -> list[ToolParam]:
    """The tools of the product by the names that a scenario may use, and the final one."""
    offered: list[ToolParam] = [
        {
            "name": name,
            "input_schema": {"type": "object", "properties": {key: {} for key in names}},
        }
        for name, names in _ARGUMENTS.items()
    ]
    schema: dict[str, object] = {
        "type": "object",
        "properties": _DIAGNOSIS,
        "$defs": _DEFINED,
    }
    offered.append({"name": SUBMIT, "input_schema": schema})
    return [tool for tool in offered if tool["name"] not in without]


def calls_of(message: Message) -> list[ToolUseBlock]:
    """The calls that a reply asks for."""
    return [block for block in message.content if isinstance(block, ToolUseBlock)]


def shown(call_id: str, lines: list[str]) -> str:
    """Lines as the model gets them: between markers, numbered, below a header."""
    numbered = "\n".join(f"{number}| {line}" for number, line in enumerate(lines, 1))
    mark = f"{call_id} 4f2a9c0d1e2b"
    return f"<result {mark}>\n{len(lines)} lines, all shown\n{numbered}\n</result {mark}>"


def answer(scenario: Scenario, tool: str, arguments: Mapping[str, object]) -> list[str]:
    """What the outside world of the scenario says to a call."""
    cluster = scenario.cluster
    if tool == "kubernetes__list_pods":
        return [f"{pod.name} {pod.phase} ready={pod.ready}" for pod in cluster.pods]
    if tool == "kubernetes__list_events":
        return [f"{event.type} {event.reason} {event.message}" for event in cluster.events]
    if tool == "kubernetes__get_logs":
        pod = next(pod for pod in cluster.pods if pod.name == arguments["pod"])
        return write_log(cluster.logs[pod.log or ""], datetime.now(UTC))
    if tool == "github__get_file_contents":
        return scenario.repository.files[str(arguments["path"])].splitlines()
    if tool == "github__list_commits":
        return [commit.message for commit in scenario.repository.commits]
    return [json.dumps(arguments)]


def results(scenario: Scenario, turn: int, message: Message) -> MessageParam:
    """The user message that answers every call of a reply, by the scenario."""
    answers: list[ToolResultBlockParam] = [
        {
            "type": "tool_result",
            "tool_use_id": call.id,
            "content": shown(f"{turn}-{k}", answer(scenario, call.name, call.input)),
        }
        for k, call in enumerate(calls_of(message), 1)
    ]
    return {"role": "user", "content": answers}
