"""The way back to a person in Slack without a token: the address that came with the request."""

import logging
from urllib.parse import urlsplit

from slack_sdk.webhook.async_client import AsyncWebhookClient

from services.ingest.adapters.slack_logging import quiet_logger
from services.ingest.slack_answers import Answer

log = logging.getLogger(__name__)
HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
SECONDS = 5


class ResponseUrls:
    """Answers for one person's eyes, posted only to Slack's own hosts.

    Where `SLACK_API_URL` leads elsewhere, its origin is Slack, and nothing goes to the real one.
    """

    def __init__(self, api_url: str) -> None:
        own = urlsplit(api_url)
        self._own = None if own.hostname == "slack.com" else (own.scheme, own.netloc)

    async def say(self, address: str, answer: Answer) -> bool:
        """Whether Slack took the answer, so that the person reads it; what goes wrong is logged."""
        if not self._is_slacks(address):
            log.warning("an answer was not sent: its address is not Slack's")
            return False
        client = AsyncWebhookClient(address, timeout=SECONDS, logger=quiet_logger())
        try:
            response = await client.send(
                text=answer.text,
                blocks=list(answer.blocks) or None,
                response_type="ephemeral",
                replace_original=False,
            )
        except Exception as error:
            log.warning("an answer did not reach Slack: %s", type(error).__name__)
            return False
        if response.status_code != 200:
            log.warning("Slack did not take an answer: %d", response.status_code)
        return response.status_code == 200

    def _is_slacks(self, address: str) -> bool:
        try:
            parts = urlsplit(address)
            if self._own is not None:
                return (parts.scheme, parts.netloc) == self._own
            return parts.scheme == "https" and parts.netloc in HOSTS
        except ValueError:
            return False
