"""`--help` of every command."""

from pathlib import Path

import pytest

from tests.cli.nightshift import run

pytestmark = pytest.mark.timeout(90)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", ["demo", "up", "publish", "dead-letters", "init", "eval"]),
        ("", ["watch", "show", "doctor", "scenarios"]),
        ("watch", ["--follow", "--once", "--ended", "--all", "--seconds", "--json", "exits 0"]),
        ("show", ["INCIDENT", "--turn", "--whole", "--json", "exits 0"]),
        ("doctor", ["SERVICE", "--strict", "--json", "REDIS_URL", "exits 0"]),
        ("trace", ["INCIDENT", "--jaeger", "--wait", "NIGHTSHIFT_JAEGER_URL", "exits 0"]),
        ("demo", ["SCENARIO", "--form"]),
        ("up", ["SCENARIO", "--reasoners", "--model-seconds", "REDIS_URL"]),
        ("eval", ["--model", "--cases", "--budget", "--baseline", "--json", "--report", "130"]),
        ("redteam", ["--channel", "--goal", "--sample", "--strings", "--report", "--json", "130"]),
        (
            "publish",
            ["--service", "--severity", "--count", "--kinds", "--sns", "--file", "--to", "--keys"],
        ),
        ("feedback", ["--since", "--format", "json|csv", "90 days", "exits 0"]),
        ("dead-letters", ["list", "show", "replay", "exits 0"]),
        ("tools", ["list", "pin", "NIGHTSHIFT_TOOLS_LOCK", "exits 0"]),
        ("policy", ["check", "explain", "test", "schema", "exits 0"]),
        ("policy explain", ["TOOL", "ARGUMENTS", "--dir", "--tools", "NIGHTSHIFT_NAMESPACES"]),
        ("init", ["--replace", "REDIS_URL", "NIGHTSHIFT_GENERATION", "NIGHTSHIFT_STREAM_PREFIX"]),
    ],
)
def test_help_names_every_option_and_exits_zero(
    command: str, words: list[str], tmp_path: Path
) -> None:
    end = run(*command.split(), "--help", folder=tmp_path)
    assert end.code == 0
    assert end.errors == ""
    assert [word for word in words if word.lower() not in end.output.lower()] == []


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    end = run(folder=tmp_path)
    assert "demo" in end.output
    assert "publish" in end.output
