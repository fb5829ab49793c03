"""A table of measured figures, with the command that measured them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows under columns; `command` is what prints it again."""

    title: str
    command: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """The table in Markdown."""
        head = [self.columns, tuple("---" for _ in self.columns)]
        lines = [f"| {' | '.join(cells)} |" for cells in (*head, *self.rows)]
        return "\n".join([f"### {self.title}", "", f"`{self.command}`", "", *lines, ""])
