"""`nightshift preview` of what `show --json` exports is the card that stands in Slack."""

import pytest

from cli.preview.reading import read
from tests.cli.inside.conftest import Inside

pytestmark = pytest.mark.timeout(90)


def test_preview_of_an_export_is_the_very_card_that_the_notifier_posted(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in inside.desk.stack.world["environment"]["notifier"].items():
        if name.startswith("NIGHTSHIFT_"):
            monkeypatch.setenv(name, value)
    (message,) = inside.desk.messages(inside.ended)
    shown = read(inside.show("--json").encode()).shown.message
    assert shown["blocks"] == message["blocks"]
    assert shown["text"] == message["text"]
