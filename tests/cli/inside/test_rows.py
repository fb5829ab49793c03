"""The table of `watch`: it fits, and an incident's id is whole wherever there is room for it."""

import pytest
from rich.cells import cell_len
from rich.console import Console

from cli.inside.rows import Row, table

ID = "inc-a1efb486577d58bd29706b2d"
ROWS = [
    Row(
        incident=ID,
        service="cartservice",
        state="awaiting_tools",
        turn=12,
        tools=("kubernetes__describe_workload", "kubernetes__list_pods"),
        elapsed_seconds=200,
        cost_usd=0.421,
    ),
    Row(incident="x" * 60, service="y" * 40, state="ended", outcome="out_of_budget", turn=3),
    Row(incident="broken", state="unreadable", problem="no record " * 20),
]


def drawn(rows: list[Row], columns: int) -> list[str]:
    """The lines of the table on paper of that width."""
    console = Console(width=columns, color_system=None)
    with console.capture() as captured:
        console.print(table(rows, columns=columns))
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("columns", [40, 80, 100, 120, 200])
def test_table_fits_whatever_stands_in_it(columns: int) -> None:
    lines = drawn(ROWS, columns)
    assert len(lines) == 4
    assert max(cell_len(line) for line in lines) <= columns


def test_id_is_whole_in_80_columns_when_the_tool_can_give_way() -> None:
    (_, line) = drawn(ROWS[:1], 80)
    assert line.split()[0] == ID
    assert line.endswith("3m20s $0.4210")
    assert "… 3m20s" in line


def test_long_id_is_whole_on_a_wide_terminal_and_cut_on_a_narrow_one() -> None:
    assert drawn(ROWS, 200)[2].startswith("x" * 60 + " ")
    assert "…" in drawn(ROWS, 80)[2].split()[0]
