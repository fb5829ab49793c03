"""Under which span an MCP server hangs its own: under the tool call's, whoever makes the call."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import CarrierT
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_CALL: ContextVar[Span | None] = ContextVar("span of the tool call", default=None)


@contextmanager
def as_the_call() -> Iterator[None]:
    """Requests made inside carry the span that is current now.

    FastMCP and the SDK open spans below it whose ids are lost with this process; a server that
    goes on would hang its own under them, and they would never arrive.
    """
    call = _CALL.set(trace.get_current_span())
    try:
        yield
    finally:
        _CALL.reset(call)


class CallsContext(TraceContextTextMapPropagator):
    """W3C trace context, of the tool call where there is one; nothing else goes along."""

    def inject(
        self, carrier: CarrierT, context: Context | None = None, *rest: Any, **named: Any
    ) -> None:
        """The carrier names the call's span, else the context's."""
        if (call := _CALL.get()) is not None:
            context = trace.set_span_in_context(call, context)
        super().inject(carrier, context, *rest, **named)
