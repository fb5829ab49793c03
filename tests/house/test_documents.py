"""Generated pages are what the code says."""

import pytest

from cli.docs import DOCS, pages


@pytest.mark.parametrize("name", ["events.md", "settings.md"])
def test_generated_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run `make docs`"
