"""What is committed installs anywhere: no machine's path, no index's address, all hashes."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
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


def test_the_lock_names_the_extras_it_was_made_with() -> None:
    """What happened: a package asked for `coverage[toml]`, the lock said `coverage==7.17.4`.

    pip 23.2 takes the pin for another package, looks for the newest `coverage[toml]`, and refuses
    that one for want of a hash, as soon as a newer release is out. Until then nothing shows.
    """
    rows = locked()
    asked = {
        (normalized(need), extra.strip())
        for distribution in distributions()
        if normalized(distribution.name) in rows
        for need in distribution.requires or []
        if "extra ==" not in need and (extras := re.match(r"[\w.-]+\[([^\]]+)\]", need))
        for extra in extras[1].split(",")
    }
    assert asked, "no installed package asks for another one with an extra"
    none(
        (
            f"{name}[{extra}]"
            for name, extra in asked
            if name in rows and extra not in rows[name].partition("==")[0]
        ),
        f"{LOCK} names every extra (uv pip compile --no-strip-extras)",
    )
