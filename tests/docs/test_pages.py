"""Links lead somewhere, and a variable that a page names is one that somebody reads."""

from importlib import import_module

import pytest
from pydantic_settings import BaseSettings

from bus.settings import variable_of
from cli.docs import SETTINGS
from cli.traces.command import JAEGER
from tests.docs.pages import README, ROOT, Page, pages

FOR_TESTS = "NIGHTSHIFT_TEST_REDIS_IMAGE"
every_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)


@every_page
def test_links_lead_to_files_that_exist(page: Page) -> None:
    broken = [link for link in page.links if not (page.path.parent / link).exists()]
    assert broken == []


@every_page
def test_variables_are_settings(page: Page) -> None:
    assert page.variables - settings() == set()


def settings() -> set[str]:
    found = {FOR_TESTS, JAEGER}
    for _, module, name in SETTINGS:
        kind: type[BaseSettings] = getattr(import_module(module), name)
        found |= {variable_of(kind, field) for field in kind.model_fields}
    return found


def test_the_variable_for_tests_is_read_by_the_tests() -> None:
    assert FOR_TESTS in (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")


def test_pages_are_found_with_what_they_hold() -> None:
    assert README.path in [page.path for page in pages()]
    assert "docs/architecture.md" in README.links
    assert "NIGHTSHIFT_QUEUE_URL" in README.variables
    assert README.commands[0] == "make demo"
    assert len(README.transcripts) == 1
