"""`nightshift scenarios`: which there are, and whether a file is one."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.columns import wrapped
from cli.inside.terminal import harmless

# Found by their files, because the simulator is not installed where only services run.
_FOLDER = Path(__file__).parent.parent / "simulator" / "scenarios"
SCENARIO = f"{', '.join(sorted(path.stem for path in _FOLDER.glob('*.yaml')))}, or a .yaml file."
app = typer.Typer(help="The incidents to practise on, and checking one that you write.")


@app.command("list")
def list_() -> None:
    """Show the name, the title and the lesson of each scenario that comes with Nightshift."""
    from simulator.scenario import load_scenario, scenario_names

    for name in scenario_names():
        scenario = load_scenario(name)
        typer.echo(f"{name}\n{wrapped(scenario.title, indent=4)}")
        if scenario.lesson:
            typer.echo(wrapped(scenario.lesson, indent=4))


@app.command()
def check(
    files: Annotated[
        list[str] | None, typer.Argument(help="Names, or .yaml files; all that there are if none.")
    ] = None,
) -> None:
    """Check scenarios without running them: exits 0 when all are sound, else 1 with a line each."""
    from simulator.checking import problems_in
    from simulator.scenario import ScenarioError, load_scenario, scenario_names

    wrong = 0
    for name in files or scenario_names():
        try:
            problems = [f"{Path(name).name}: {each}" for each in problems_in(load_scenario(name))]
        except ScenarioError as error:
            problems = str(error).splitlines()
        for problem in problems:
            typer.echo(harmless(problem), err=True)
        if not problems:
            typer.echo(f"{name}: sound")
        wrong += bool(problems)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a scenario's file, for editors that check while you write."""
    from simulator.scenario import schema as schema_of_files

    typer.echo(json.dumps(schema_of_files(), indent=2))
