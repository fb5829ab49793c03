"""Structured logs: one JSON object a line.

With service, incident and trace id where there is one, and the MCP server whose words it tells.
Whatever is logged may hold words from outside, so it is cleaned.
"""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from opentelemetry import trace

from bus.cleaning import LONGEST, in_short
from bus.conventions import INCIDENT

QUIET: tuple[str, ...] = ("anthropic", "botocore", "fastmcp", "faststream.reader")
QUIET += ("httpx", "httpx2", "mcp", "slack_sdk", "urllib3")
_about: ContextVar[dict[str, str]] = ContextVar("what lines are about")


def about(incident_id: str, traceparent: str = "") -> None:
    """Every line of this task, and of those that it starts, bears the incident's id and trace."""
    _about.set({"incident_id": incident_id, "trace_id": traceparent[3:35]})


class JsonLines(logging.Formatter):
    """Formats a record as one JSON line; an exception becomes a field, never a block of lines."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "message": in_short(record.getMessage(), LONGEST),
        }
        given = {**_about.get({}), **vars(record)}
        told = {name: given.get(name) for name in ("server", "incident_id", "trace_id")}
        line |= {name: said for name, said in told.items() if said}
        span = trace.get_current_span()
        context = span.get_span_context()
        if context.is_valid and context.trace_flags.sampled:
            line["trace_id"] = f"{context.trace_id:032x}"
        incident = getattr(span, "attributes", None) or {}
        if found := incident.get(INCIDENT):
            line["incident_id"] = found
        if record.exc_info:
            line["error"] = in_short(self.formatException(record.exc_info), LONGEST)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(service: str, level: str) -> None:
    """Every logger writes JSON lines to standard error from that level on, FastMCP's too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        quiet = logging.getLogger(name)
        quiet.setLevel(logging.WARNING)
        quiet.handlers.clear()
        quiet.propagate = True
