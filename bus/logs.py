"""Structured logs: one JSON object a line.

With service, incident and trace id where there is one.
"""

import json
import logging
import sys
from datetime import UTC, datetime

from opentelemetry import trace

QUIET = (
    "faststream.reader",
    "httpx",
    "httpx2",
    "botocore",
    "urllib3",
    "slack_sdk",
    "mcp",
    "fastmcp",
    "anthropic",
)


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
            "message": record.getMessage(),
        }
        span = trace.get_current_span()
        context = span.get_span_context()
        if context.is_valid and context.trace_flags.sampled:
            line["trace_id"] = f"{context.trace_id:032x}"
        incident = getattr(span, "attributes", None) or {}
        if found := incident.get("nightshift.incident.id"):
            line["incident_id"] = found
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(service: str, level: str) -> None:
    """Every logger writes JSON lines to standard error from that level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
