"""What Slack's SDK may log: what went wrong, without tickets and without what people wrote."""

import logging
import re

_TICKET = re.compile(r"wss?://[^\s'\")]+")


class _WithoutTickets(logging.Filter):
    """The address of a socket is a right to read it, so it is not logged, and no traceback is."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _TICKET.sub("(the socket's address)", record.getMessage())
        record.args, record.exc_info = (), None
        return True


def quiet_logger() -> logging.Logger:
    """The logger for all of Slack's SDK and for Bolt: warnings and worse.

    On DEBUG they log whole requests.
    """
    logger = logging.getLogger("services.ingest.slack_sdk")
    if not logger.filters:
        logger.addFilter(_WithoutTickets())
        logger.setLevel(logging.WARNING)
    return logger
