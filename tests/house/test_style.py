"""What every file has, and what none has."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.house.sources import FunctionDef, Source, none, sources

FORBIDDEN_WORDS = {"utils", "helpers", "common", "manager", "processor", "engine"}
FORBIDDEN_NAMES = {"data", "info", "payload"}
FORBIDDEN_FUNCTIONS = {"process", "handle_message"}
MAY_PRINT = {"cli", "examples", "simulator"}
MAY_CATCH_ALL = {"bus/delivery.py", "bus/process.py"}
MACHINE_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma: no cover|ruff:|mypy:|pylint:|fmt:)")
WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def test_every_file_says_what_it_is_for() -> None:
    none(
        (
            f"{source.path}:1: no module docstring"
            for source in sources()
            if not ast.get_docstring(source.tree)
        ),
        "every file has a module docstring",
    )


def test_every_exception_says_what_it_means() -> None:
    none(
        (
            source.at(node, f"{node.name} has no docstring")
            for source in sources()
            for node in source.classes()
            if is_exception(node) and not ast.get_docstring(node)
        ),
        "every exception class has a docstring",
    )


def is_exception(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    known = {"Rejected", "Retryable", "Unavailable", "ToolFailed", "InvestigationEnded"}
    ends = ("Error", "Exception", "Warning")
    return any(base in known or base.endswith(ends) for base in bases)


def test_names_say_something() -> None:
    none(
        (finding for source in sources() for finding in empty_names(source)),
        f"never: {', '.join(sorted(FORBIDDEN_WORDS | FORBIDDEN_NAMES | FORBIDDEN_FUNCTIONS))}",
    )


def empty_names(source: Source) -> Iterator[str]:
    for part in (*source.path.parts[1:-1], source.path.stem):
        if FORBIDDEN_WORDS & set(words(part)):
            yield f"{source.path}:1: a module named {part}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and FORBIDDEN_WORDS & set(words(node.name)):
            yield source.at(node, f"a class named {node.name}")
        if isinstance(node, FunctionDef) and node.name in FORBIDDEN_FUNCTIONS:
            yield source.at(node, f"a function named {node.name}")
        if isinstance(node, ast.arg) and node.arg in FORBIDDEN_NAMES:
            yield source.at(node, f"a parameter named {node.arg}")
        if isinstance(node, ast.Name) and is_assigned(node) and node.id in FORBIDDEN_NAMES:
            yield source.at(node, f"a variable named {node.id}")


def is_assigned(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def words(name: str) -> list[str]:
    return [word.lower() for word in WORDS.findall(name)]


def test_only_commands_examples_and_the_simulator_print() -> None:
    none(
        (
            source.at(node, "print()")
            for source in sources()
            if source.path.parts[0] not in MAY_PRINT
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ),
        f"only {', '.join(sorted(MAY_PRINT))} print",
    )


def test_public_signatures_say_what_they_take_and_give() -> None:
    none(
        (
            source.at(function, f"{function.name} has Any in its signature")
            for source in sources()
            if not source.is_adapter
            for function in public_functions(source.tree)
            if any(mentions_any(annotation) for annotation in annotations(function))
        ),
        "no Any in a public signature outside adapters",
    )


def public_functions(tree: ast.Module | ast.ClassDef) -> Iterator[FunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node)
        if isinstance(node, FunctionDef) and not node.name.startswith("_"):
            yield node


def annotations(function: FunctionDef) -> Iterator[ast.expr]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [rest for rest in (arguments.vararg, arguments.kwarg) if rest]
    yield from (argument.annotation for argument in every if argument.annotation)
    if function.returns:
        yield function.returns


def mentions_any(annotation: ast.expr) -> bool:
    return bool(re.search(r"\bAny\b", ast.unparse(annotation)))


def test_only_borders_catch_everything() -> None:
    none(
        (
            source.at(node, f"except {ast.unparse(node.type) if node.type else ''}".rstrip())
            for source in sources()
            if not may_catch_all(source)
            for node in ast.walk(source.tree)
            if isinstance(node, ast.ExceptHandler) and is_broad(node.type)
        ),
        "a broad except stands only in adapters, app.py, bus/delivery.py and bus/process.py",
    )


def may_catch_all(source: Source) -> bool:
    at_border = source.path.parts[0] == "services" and source.path.name == "app.py"
    return source.is_adapter or at_border or source.path.as_posix() in MAY_CATCH_ALL


def is_broad(caught: ast.expr | None) -> bool:
    each = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in each)


def test_no_warning_is_switched_off_in_place() -> None:
    none(
        (
            f"{source.path}:{number}: {comment}"
            for source in sources("bus", "services", "cli", "simulator", "tests", "examples")
            for number, comment in comments(source)
            if SUPPRESSION.match(comment)
        ),
        "no suppressions: a type or a test is missing",
    )


def comments(source: Source) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_no_machines_clock_decides_or_is_recorded() -> None:
    """Replicas run on machines whose clocks differ; Redis has the one that all of them share."""
    none(
        (
            source.at(node, f"{ast.unparse(node.func)}()")
            for source in sources("bus", "services")
            if not source.is_adapter and "servers" not in source.path.parts
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in MACHINE_CLOCKS
        ),
        "the time comes from Redis: `investigations.now()`",
    )
