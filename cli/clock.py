"""Lines with the seconds since the command began."""

import time

import typer


class Clock:
    """Begins when it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print the text behind the seconds that have passed."""
        typer.echo(f"{time.monotonic() - self._began:6.1f} s  {text}")
