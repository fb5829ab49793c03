"""An ingest that keeps what comes to its doors, and answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Came:
    """One request."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Door:
    """Where it listens, what it answers, and what came."""

    url: str = ""
    status: int = 200
    answer: str = '{"incident_id": "inc-0123456789abcdef01234567"}'
    came: list[Came] = field(default_factory=list)


@contextmanager
def door(status: int = 200) -> Iterator[Door]:
    """It listens inside the block."""
    found = Door(status=status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.came.append(Came(self.path, headers, body))
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(found.answer.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
