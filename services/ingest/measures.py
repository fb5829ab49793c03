"""What ingest alone measures: what its doors answer."""

from opentelemetry import metrics

DOORS = metrics.get_meter("nightshift").create_counter(
    "nightshift.doors", "1", "Requests at the doors over HTTP, by door and status of the answer"
)
