"""What the notifier alone measures: every stream from outside, the store, and what is overdue.

It never goes to zero, so it sees that nobody reads a stream, which whoever should cannot say.
"""

from opentelemetry import metrics

_meter = metrics.get_meter("nightshift")
_counter, _gauge = _meter.create_counter, _meter.create_gauge

UNREAD_SECONDS = _gauge(
    "nightshift.queue.unread", "s", "Age of the oldest entry that no replica was given"
)
AHEAD_SECONDS = _gauge(
    "nightshift.stream.ahead", "s", "How far a stream's last id lies in the future: alert"
)
WIPED = _counter("nightshift.stream.wiped", "1", "Times that young entries of a stream were gone")
OPEN = _gauge("nightshift.investigations.open", "1", "Investigations that have not ended")
OVERDUE_SECONDS = _gauge(
    "nightshift.deadlines.overdue", "s", "For how long the first due investigation was not swept"
)
LATE_CARDS = _gauge(
    "nightshift.cards.late", "1", "Investigations past their deadline without a final card"
)
MEMORY = _gauge("nightshift.redis.memory", "By", "Memory that Redis uses")
MEMORY_LIMIT = _gauge("nightshift.redis.memory_limit", "By", "What it may use at most; 0: no limit")
NOT_DURABLE = _gauge(
    "nightshift.redis.not_durable", "1", "1 while Redis writes no append-only file, or fails to"
)
