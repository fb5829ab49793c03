"""One line a investigation: what it does now, how long already, for how much."""

from datetime import datetime
from typing import Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from bus.events import Outcome, Value
from bus.record import Record
from cli.inside.store import Broken
from cli.inside.terminal import cut, one_line

_HEADS = ("INCIDENT", "SERVICE", "STATE", "TURN", "TOOL", "TIME", "COST")
_TOOL, _LONGEST_SERVICE, _LEAST = 4, 14, 7
STYLES = {"diagnosed": "green", "failed": "red", "timed_out": "red", "unreadable": "red"}


class Row(Value):
    """What `watch` tells of an investigation; these are the fields of its JSON lines."""

    incident: str
    service: str = ""
    state: Literal["turn_due", "awaiting_tools", "ended", "unreadable"]
    outcome: Outcome | None = None
    concluding: str = ""
    turn: int = 0
    tools: tuple[str, ...] = ()
    """Tools whose results are waited for."""
    tool_calls: int = 0
    opened_at: datetime | None = None
    deadline_at: datetime | None = None
    elapsed_seconds: float = 0.0
    cost_usd: float | None = None
    """Null where a price is unknown."""
    model: str = ""
    problem: str = ""

    @property
    def doing(self) -> str:
        """The state in words."""
        return in_words(self.state, self.outcome, concluding=self.concluding)


def in_words(state: str, outcome: Outcome | None, *, concluding: str) -> str:
    """What an investigation in that state does."""
    if state == "turn_due":
        return "concluding" if concluding else "thinking"
    return outcome or {"awaiting_tools": "using tools"}.get(state, state)


def row_of(record: Record | Broken, now: datetime) -> Row:
    """The row of a record at that moment of Redis."""
    if isinstance(record, Broken):
        return Row(incident=record.investigation_id, state="unreadable", problem=record.why)
    until = record.ended_at or now
    return Row(
        incident=record.investigation_id,
        service=record.incident.service,
        state=record.state,
        outcome=record.outcome,
        concluding=record.concluding,
        turn=record.turn,
        tools=tuple(call.tool for call in record.calls if call.state == "open"),
        tool_calls=len(record.calls),
        opened_at=record.opened_at,
        deadline_at=record.deadline_at,
        elapsed_seconds=round(max(0.0, (until - record.opened_at).total_seconds()), 1),
        cost_usd=record.spend.cost_usd,
        model=record.model,
    )


def table(rows: list[Row], *, columns: int) -> Table:
    """The rows as a table of so many columns; ids, which are copied, are cut last but one."""
    lines = [_cells(row) for row in rows]
    widths = [max(map(cell_len, each)) for each in zip(_HEADS, *lines, strict=True)]
    widths[1] = min(widths[1], _LONGEST_SERVICE)
    room = max(2 * _LEAST, columns - sum(widths) - len(widths) + 1 + widths[0] + widths[_TOOL])
    widths[0] = min(widths[0], max(_LEAST, room - min(widths[_TOOL], _LEAST)))
    widths[_TOOL] = room - widths[0]
    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for name, width in zip(_HEADS, widths, strict=True):
        right = name in ("TURN", "TIME", "COST")
        drawn.add_column(name, justify="right" if right else "left", no_wrap=True, width=width)
    for row, line in zip(rows, lines, strict=True):
        style = STYLES.get(row.doing, "")
        cells = [cut(cell, width) for cell, width in zip(line, widths, strict=True)]
        drawn.add_row(
            *(Text(cell, style=style if at < _TOOL else "") for at, cell in enumerate(cells))
        )
    return drawn


def _cells(row: Row) -> tuple[str, ...]:
    return (
        one_line(row.incident),
        one_line(row.service),
        row.doing,
        str(row.turn or ""),
        one_line(_tool(row)),
        _time(row.elapsed_seconds),
        dollars(row.cost_usd),
    )


def dollars(usd: float | None) -> str:
    """A sum as a person reads it."""
    return "unknown" if usd is None else f"${usd:.4f}"


def _tool(row: Row) -> str:
    if row.problem:
        return row.problem
    names = [name.rpartition("__")[2] for name in row.tools]
    return names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "") if names else ""


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"
