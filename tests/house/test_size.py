"""Small stays small by machine: files, functions, nesting, parameters, and the bus as a whole."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.sources import ROOT, FunctionDef, Source, none, sources

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_NESTING = 3
MAX_PARAMETERS = 5
MAX_POSITIONAL = 2
MAX_BUS_LINES = 4350  # decision 0004
MAX_REDACTION_LINES = 2_000  # decision 0004
NESTS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)


def test_files_are_short() -> None:
    everything = sources("bus", "services", "cli", "simulator", "tests", "examples", "benchmarks")
    lines = ((source, source.text.count("\n")) for source in everything)
    none(
        (f"{source.path}:1: {count} lines" for source, count in lines if count > MAX_FILE_LINES),
        f"a file has at most {MAX_FILE_LINES} lines",
    )


def test_functions_are_short() -> None:
    def length(function: FunctionDef) -> int:
        return (function.end_lineno or function.lineno) - function.lineno + 1

    none(
        (
            source.at(function, f"{function.name} has {length(function)} lines")
            for source in sources()
            for function in source.functions()
            if length(function) > MAX_FUNCTION_LINES
        ),
        f"a function has at most {MAX_FUNCTION_LINES} lines",
    )


def test_code_nests_little() -> None:
    none(
        (
            source.at(function, f"{function.name} nests {depth} deep")
            for source in sources()
            for function in source.functions()
            if (depth := nesting(function.body)) > MAX_NESTING
        ),
        f"code nests at most {MAX_NESTING} deep; `with` does not count",
    )


def test_functions_take_few_parameters() -> None:
    none(
        (
            source.at(function, f"{function.name} takes {count}")
            for source in sources()
            for function in source.functions()
            if (count := len(positional(function)) + len(function.args.kwonlyargs)) > MAX_PARAMETERS
        ),
        f"a function takes at most {MAX_PARAMETERS} parameters",
    )


def test_parameters_after_the_second_are_given_by_name() -> None:
    none(
        (
            source.at(function, f"{function.name}({', '.join(names)})")
            for source in sources()
            for function in source.functions()
            if len(names := positional(function)) > MAX_POSITIONAL
        ),
        "parameters after the second are keyword-only",
    )


def test_the_bus_stays_small() -> None:
    files = [*(ROOT / "bus").rglob("*.py"), *(ROOT / "bus").rglob("*.lua")]
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    redaction = {path: count for path, count in lines.items() if "redaction" in path.parts}
    rest = {path: count for path, count in lines.items() if path not in redaction}
    assert sum(rest.values()) <= MAX_BUS_LINES, report(rest, MAX_BUS_LINES)
    assert sum(redaction.values()) <= MAX_REDACTION_LINES, report(redaction, MAX_REDACTION_LINES)


def report(lines: dict[Path, int], most: int) -> str:
    ordered = sorted(lines.items(), key=lambda item: -item[1])
    shown = "\n  ".join(f"{count:5} {path.relative_to(ROOT)}" for path, count in ordered)
    return f"bus has {sum(lines.values())} lines there, at most {most}\n  {shown}"


def positional(function: FunctionDef) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def nesting(body: list[ast.stmt]) -> int:
    return max((depth_of(statement) for statement in body), default=0)


def depth_of(statement: ast.stmt) -> int:
    """How deep control flow goes in a statement; an inner function starts anew."""
    if isinstance(statement, FunctionDef | ast.ClassDef):
        return 0
    deepest = max((nesting(block) for block in blocks(statement)), default=0)
    if isinstance(statement, ast.If) and is_elif(statement.orelse):
        return max(1 + nesting(statement.body), depth_of(statement.orelse[0]))
    return deepest + isinstance(statement, NESTS)


def is_elif(orelse: list[ast.stmt]) -> bool:
    return len(orelse) == 1 and isinstance(orelse[0], ast.If)


def blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
        yield part.body


def test_the_nesting_rule_counts_as_people_do() -> None:
    code = """
def f():
    with a:
        for b in c:
            if d:
                pass
            elif e:
                while g:
                    pass
"""
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert nesting(function.body) == 3
    assert Source(Path("x.py")).at(function, "f") == "x.py:2: f"
