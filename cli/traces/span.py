"""A finished span, whoever kept it."""

from dataclasses import asdict, dataclass, field
from typing import Literal

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""As OTLP numbers them."""


@dataclass(frozen=True)
class Span:
    """One finished span: ids in lower-case hex (`parent_id` empty for a root), Unix nanoseconds."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    attributes: dict[str, object] = field(default_factory=dict)
    status: Literal["unset", "ok", "error"] = "unset"
    status_message: str = ""
    scope: str = ""
    events: tuple[dict[str, object], ...] = ()
    links: tuple[str, ...] = ()
    resource: dict[str, object] = field(default_factory=dict)

    @property
    def duration_ns(self) -> int:
        """How long it took; never negative."""
        return max(0, self.end_ns - self.start_ns)

    def record(self) -> dict[str, object]:
        """The span as JSON holds it."""
        return asdict(self)
