"""The page behind the trace link of the Slack card: the waterfall as HTML, everything escaped."""

from html import escape

from cli.traces.span import Span
from cli.traces.waterfall import Row, duration, rows

_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #1d1c1d; }
h1 { font-size: 1.2rem; } code { font-size: .9em; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
td, th { text-align: left; padding: .2rem .5rem; vertical-align: top; }
tr { border-bottom: 1px solid #eee; }
th.track, td.track { width: 40%; } td.number { white-space: nowrap; }
.bar { background: #4a7; height: .8rem; min-width: 2px; border-radius: 2px; margin-top: .2rem; }
.error .bar { background: #c33; } .remark { color: #c33; font-weight: bold; }
details { color: #555; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
"""


def trace_page(trace_id: str, spans: list[Span]) -> str:
    """The whole page; a sentence when the trace has not arrived."""
    title = f"Trace {escape(trace_id)}"
    if not spans:
        body = (
            "<p>No span of this trace has arrived. Spans come when they end: try again shortly.</p>"
        )
    else:
        body = _table(spans)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{title}</h1>{body}</body></html>"
    )


def _table(spans: list[Span]) -> str:
    start_ns = min(span.start_ns for span in spans)
    whole_ns = max(1, max(span.end_ns for span in spans) - start_ns)
    services = ", ".join(sorted({escape(span.service) for span in spans}))
    lines = "".join(_row(row, start_ns=start_ns, whole_ns=whole_ns) for row in rows(spans))
    return (
        f"<p>{len(spans)} spans, {duration(whole_ns)}; services: {services}</p><table>"
        "<tr><th>service</th><th>span</th><th>offset</th><th>took</th><th class=track></th></tr>"
        f"{lines}</table>"
    )


def _row(row: Row, *, start_ns: int, whole_ns: int) -> str:
    span = row.span
    left = 100 * (span.start_ns - start_ns) / whole_ns
    width = 100 * span.duration_ns / whole_ns
    remark = f'<div class="remark">{escape(row.remark)}</div>' if row.remark else ""
    kind = ' class="error"' if span.status == "error" else ""
    return (
        f"<tr{kind}><td>{escape(span.service)}</td>"
        f'<td style="padding-left:{0.5 + row.depth:.1f}rem">{_details(span)}{remark}</td>'
        f'<td class="number">{duration(span.start_ns - start_ns)}</td>'
        f'<td class="number">{duration(span.duration_ns)}</td>'
        f'<td class="track"><div class="bar" style="margin-left:{left:.2f}%;width:{width:.2f}%">'
        "</div></td></tr>"
    )


def _details(span: Span) -> str:
    facts = {"kind": span.kind, "span": span.span_id, **span.attributes}
    if span.status == "error":
        facts["status"] = span.status_message or "error"
    lines = "\n".join(f"{escape(name)} = {escape(str(value))}" for name, value in facts.items())
    return f"<details><summary>{escape(span.name)}</summary><pre>{lines}</pre></details>"
