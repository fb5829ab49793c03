"""What the reasoner alone measures: how soon it looks, and what the model API refuses."""

from opentelemetry import metrics

_meter = metrics.get_meter("nightshift")

FIRST_LOOK_SECONDS = _meter.create_histogram(
    "nightshift.first_look.duration",
    "s",
    "Acceptance of an incident to the model's first reply",
    explicit_bucket_boundaries_advisory=[1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300],
)
MODEL_ERRORS = _meter.create_counter(
    "nightshift.model.errors", "1", "Calls of the model without a reply that helps, by kind"
)
MODEL_RETRIES = _meter.create_counter(
    "nightshift.model.retries", "1", "Calls of the model made again within a turn"
)
DAY_LIMIT_USD = _meter.create_gauge(
    "nightshift.day_limit", "USD", "What all investigations of a day may cost together"
)
KINDS = ("limited", "overloaded", "refused", "no answer", "cut off", "declined")
"""`refused`: by the API. `declined`: the model itself would not answer."""
