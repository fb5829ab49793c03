"""Which doors are open: through at least one of them triggers must be able to come. Pure."""

from collections.abc import Mapping

from bus.errors import NotConfigured

DOORS: Mapping[str, str] = {
    "queue_url": "NIGHTSHIFT_QUEUE_URL",
    "sns_topics": "NIGHTSHIFT_SNS_TOPICS",
    "alertmanager_token": "NIGHTSHIFT_ALERTMANAGER_TOKEN",
    "logs_token": "NIGHTSHIFT_LOGS_TOKEN",
    "slack_app_token": "SLACK_APP_TOKEN",
    "slack_signing_secret": "SLACK_SIGNING_SECRET",
}
"""The setting that opens each door, and its variable."""


def need_one(settings: Mapping[str, object]) -> None:
    """Raises NotConfigured with the variables when every door is closed."""
    if not any(settings.get(name) for name in DOORS):
        named = [variable for name, variable in DOORS.items() if name in settings]
        raise NotConfigured(f"no door is open for triggers: set {' or '.join(named)}")
