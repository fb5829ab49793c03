"""`nightshift publish` where it cannot: one sentence, exit 1, and no stack trace."""

from pathlib import Path

import pytest

from tests.cli.nightshift import run

pytestmark = pytest.mark.timeout(90)
GONE = "redis://127.0.0.1:9/0"


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        ([], {"REDIS_URL": GONE}, "Redis at redis://127.0.0.1:9/0 cannot be used"),
        (["--alarm", "x.json"], {}, "NIGHTSHIFT_QUEUE_URL is not set"),
        (["--alarm", "sns"], {}, "no `nightshift up` is running here"),
        (["--alarm", "none.json"], {"NIGHTSHIFT_QUEUE_URL": "http://127.0.0.1:9/q"}, "none.json"),
    ],
)
def test_what_cannot_be_published_is_one_sentence(
    arguments: list[str], variables: dict[str, str], words: str, tmp_path: Path
) -> None:
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    end = run("publish", *arguments, folder=tmp_path, **variables)
    assert end.code == 1
    assert end.output == ""
    (sentence,) = end.errors.splitlines()
    assert sentence.startswith("nightshift publish: ")
    assert words in sentence


def test_wrong_option_names_itself_and_exits_two(tmp_path: Path) -> None:
    end = run("publish", "--severity", "awful", folder=tmp_path)
    assert end.code == 2
    assert "severity" in end.errors
