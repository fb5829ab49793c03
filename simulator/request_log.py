"""What a stand-in was asked.

One JSON line a request, for tests and for whoever checks from outside.
"""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path


class RequestLog:
    """An append-only file of requests; a line is on disk before the request is answered."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()

    def record(self, stand_in: str, request: str, *, status: int, **facts: object) -> None:
        """Append one request.

        Who was asked, `METHOD path`, the HTTP status, and what else is worth keeping.
        """
        line = {"at": datetime.now(UTC).isoformat(), "stand_in": stand_in, "request": request}
        text = json.dumps(line | {"status": status} | facts, ensure_ascii=False, default=str)
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def read(self, stand_in: str | None = None) -> list[dict[str, object]]:
        """Every request so far in order, of one stand-in or of all."""
        if not self.path.exists():
            return []
        # By line feeds alone: what was asked for may hold others, such as U+2028.
        text = self.path.read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.split("\n") if line]
        return [line for line in lines if stand_in in (None, line["stand_in"])]
