"""Every service reads the same way, and arrows point in one direction."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.sources import ROOT, SERVICES, Source, none, sources

ANATOMY = ("__init__.py", "__main__.py", "app.py", "settings.py", "handlers.py", "ports.py")
MAX_LINES = {"app.py": 80, "handlers.py": 150}
OPENING_WORDS = ("consumes", "publishes", "owns", "never")
VENDORS = {
    "aiohttp",
    "anthropic",
    "boto3",
    "botocore",
    "fastmcp",
    "faststream",
    "github",
    "kubernetes",
    "mcp",
    "redis",
    "slack_bolt",
    "slack_sdk",
}
PURE = {"bus.cleaning", "bus.conventions", "bus.events", "bus.errors", "bus.record"}
NOT_CONCEPTS = {"__init__", "__main__", "app", "settings", "handlers"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_anatomy_of_all(service: str) -> None:
    folder = ROOT / "services" / service
    missing = [name for name in ANATOMY if not (folder / name).is_file()]
    missing += [] if (folder / "adapters").is_dir() else ["adapters/"]
    none((f"services/{service}/{name} is missing" for name in missing), "one anatomy, repeated")


@pytest.mark.parametrize("service", SERVICES)
def test_wiring_and_handlers_fit_on_a_screen(service: str) -> None:
    paths = {name: ROOT / "services" / service / name for name in MAX_LINES}
    lengths = {name: path.read_text().count("\n") for name, path in paths.items() if path.is_file()}
    none(
        (
            f"services/{service}/{name}:1: {length} lines, at most {MAX_LINES[name]}"
            for name, length in lengths.items()
            if length > MAX_LINES[name]
        ),
        "app.py is a table, handlers.py one method per event",
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_opens_with_what_it_does_and_never_does(service: str) -> None:
    path = ROOT / "services" / service / "__init__.py"
    text = (ast.get_docstring(ast.parse(path.read_text())) or "") if path.is_file() else ""
    none(
        (
            f"services/{service}/__init__.py:1: does not say what it {word}"
            for word in OPENING_WORDS
            if word not in text.lower()
        ),
        "a service's docstring says: consumes, publishes, owns, never does",
    )


def test_vendors_stay_in_adapters_and_wiring() -> None:
    none(
        (
            source.at(node, f"imports {name}")
            for source in sources("services")
            if not source.is_adapter and source.path.name != "app.py"
            for node, name in imports(source)
            if name.partition(".")[0] in VENDORS
        ),
        "only adapters, app.py and the toolrunner's servers import a vendor's package",
    )


def test_concept_modules_are_pure() -> None:
    none(
        (
            source.at(node, f"imports {name}")
            for source in concepts()
            for node, name in imports(source)
            if name.startswith("bus") and name not in PURE
        ),
        f"concept modules know of the bus only {', '.join(sorted(PURE))}",
    )


def concepts() -> Iterator[Source]:
    """Modules that import no port and do no I/O: neither wiring, handlers, ports nor loops."""
    for source in sources("services"):
        is_flat = len(source.path.parts) == 3
        if is_flat and source.path.stem not in NOT_CONCEPTS and not does_io(source):
            yield source


def does_io(source: Source) -> bool:
    """Whether it awaits anything: a loop between ports, as ingest's intake is, or the ports."""
    return any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(source.tree))


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from bus import record` names a module too.
            named = [f"bus.{alias.name}" for alias in node.names] if node.module == "bus" else []
            yield from ((node, name) for name in named or [node.module or ""])
