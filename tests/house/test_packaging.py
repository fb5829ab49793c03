"""What is committed installs anywhere: no machine's path, no index's address, all hashes."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.house.sources import ROOT, none, own_files

LOCK = "requirements.lock"
# Put together here, so that this file does not hold what it looks for.
INDEX_ADDRESS = re.compile(
    "|".join(
        (
            "pypi" + r"\.org",
            "python" + r"hosted\.org",
            "--(?:extra-)?" + "index-url",
            "/sim" + "ple/",
        )
    )
)
MACHINE_PATH = re.compile(
    r"(?<![\w.$}~-])/(?:" + "|".join(("work", "home", "Users", "root")) + r")/\w"
)
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def lines_of(paths: Iterator[Path]) -> Iterator[tuple[Path, int, str]]:
    for path in paths:
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield path, number, line


def test_no_file_holds_the_address_of_a_package_index() -> None:
    none(
        (
            f"{path}:{number}: {line.strip()[:100]}"
            for path, number, line in lines_of(iter(own_files()))
            if INDEX_ADDRESS.search(line)
        ),
        "no package index by address",
    )


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    none(
        (
            f"{path}:{number}: {line.strip()[:100]}"
            for path, number, line in lines_of(iter(own_files()))
            if MACHINE_PATH.search(line) or str(ROOT) + "/" in line
        ),
        "no path of somebody's machine",
    )


def locked() -> dict[str, str]:
    """Requirements in the lock by normalized name: the version, the marker and the hashes."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / LOCK).read_text(encoding="utf-8"))
    rows = [line for line in text.splitlines() if NAME.match(line)]
    return {normalized(row): row for row in rows}


def normalized(requirement: str) -> str:
    found = NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def test_every_locked_version_has_its_hashes() -> None:
    none(
        (name for name, row in locked().items() if "--hash=sha256:" not in row or "==" not in row),
        f"{LOCK} pins every package with its hashes",
    )


def test_the_lock_serves_python_3_11_2_too() -> None:
    """redis-py needs async-timeout below 3.11.3, and Debian 12 ships 3.11.2."""
    row = locked().get("async-timeout", "")

    assert re.search(r"python_full_version < '3\.11\.3'", row), row or "async-timeout is missing"


def test_the_lock_holds_what_every_extra_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {"": project["dependencies"], **project["optional-dependencies"]}
    held = locked().keys() | {project["name"]}
    none(
        (
            f"{extra or 'the base'} asks for {requirement}"
            for extra, requirements in asked.items()
            for requirement in requirements
            if normalized(requirement) not in held
        ),
        f"{LOCK} holds every package that pyproject.toml asks for; compile it again",
    )
