"""What Slack's error words mean for the next try, and for whoever has to put something right."""

import math

from slack_sdk.errors import SlackApiError

from bus.errors import Retryable
from services.notifier.ports import CardRefused, MessageGone, MessageLocked

GONE = {"message_not_found"}
NO_THREAD = {"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message"}
CLOSED = {
    "channel_not_found",
    "not_in_channel",
    "user_not_in_channel",
    "is_archived",
    "is_inactive",
    "no_permission",
    "restricted_action",
    "restricted_action_read_only_channel",
    "restricted_action_thread_only_channel",
    "restricted_action_non_threadable_channel",
}
"""The channel takes no messages from us; another one may."""
NO_FILES = {
    "missing_scope",
    "file_uploads_disabled",
    "file_upload_size_restricted",
    "invalid_channel",
    "no_permission",
}
"""To a method of files: what a file was to hold is told in messages."""
LOCKED = {
    "cant_update_message",
    "edit_window_closed",
    "cant_delete_message",
    "compliance_exports_prevent_deletion",
}
"""The message stands: another app's, or a setting of the workspace forbids what we want."""
MAY_STAND = {
    "fatal_error",
    "internal_error",
    "service_unavailable",
    "request_timeout",
    "update_failed",
}
REFUSED = {
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "invalid_metadata_format",
    "metadata_too_large",
    "metadata_must_be_sent_from_app",
    "invalid_arguments",
    "invalid_attachments",
    "block_mismatch",
}
"""This card, as it is: a plain one may pass."""
FOR_A_PERSON = {
    "invalid_auth": "the token is not valid: set SLACK_BOT_TOKEN",
    "not_authed": "the token is missing: set SLACK_BOT_TOKEN",
    "account_inactive": "the token's app was removed: set SLACK_BOT_TOKEN",
    "token_revoked": "the token was revoked: set SLACK_BOT_TOKEN",
    "token_expired": "the token has expired: set SLACK_BOT_TOKEN",
    "missing_scope": "the token lacks a scope: it needs chat:write and channels:history",
    "channel_not_found": "the channel is not known: NIGHTSHIFT_SLACK_CHANNEL must be its id",
    "not_in_channel": "the bot is not in the channel: invite it",
    "is_archived": "the channel is archived: set NIGHTSHIFT_SLACK_CHANNEL to another",
    "is_inactive": "the channel is archived: messages in it can no longer be edited",
    "user_not_in_channel": "the bot is not in the channel: invite it",
    "no_permission": "the bot may not write there: allow it, or set another channel",
    "restricted_action": "an administrator forbids posting: allow it, or set another channel",
    "restricted_action_read_only_channel": "only some may post in the channel: allow the bot to",
    "restricted_action_thread_only_channel": "only threads are open in the channel: allow posts",
    "restricted_action_non_threadable_channel": "the channel takes no threads: allow them",
    "access_denied": "an administrator denies the app access: allow it",
    "team_access_not_granted": "the app is not allowed in this workspace: allow it",
    "not_allowed_token_type": "the token is no bot token: set SLACK_BOT_TOKEN",
    "message_limit_exceeded": "the workspace holds as many messages as its plan allows",
}
TOKEN = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
}
"""Of no method: whichever is asked next with a valid token proves that it is over for all."""


KNOWN = frozenset(
    {
        *("ok", "unanswered", "waits", "ratelimited", "rate_limited"),
        *(GONE | NO_THREAD | CLOSED | NO_FILES | LOCKED | MAY_STAND | REFUSED | TOKEN),
        *FOR_A_PERSON,
    }
)


def counted_as(word: str) -> str:
    """The word as a label of a metric: of words that are not known there is no end."""
    return word if word in KNOWN else "other"


def refusal(word: str) -> Retryable | None:
    """What Slack has against this message or card, where that is what it says."""
    if word in GONE | NO_THREAD:
        return MessageGone(word)
    if word in LOCKED:
        return MessageLocked(word)
    return CardRefused(f"Slack refuses the card: {word}") if word in REFUSED else None


def word_of(error: SlackApiError) -> str:
    """Slack's own word for what is wrong; empty where the answer is none of Slack's."""
    answer = getattr(error.response, "data", None)
    return str(answer.get("error") or "") if isinstance(answer, dict) else ""


def status_of(error: SlackApiError) -> int:
    """The HTTP status; where the body could not be read, the response is the HTTP client's own."""
    response = error.response
    return int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)


def retry_after(error: SlackApiError) -> float | None:
    """The seconds that Slack asks to wait; None where it does not say, or not in a number."""
    headers = getattr(error.response, "headers", None) or {}
    given = next((str(v) for k, v in headers.items() if k.lower() == "retry-after"), "")
    try:
        seconds = float(given)
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
