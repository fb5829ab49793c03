"""What Slack does wrong on request: the errors that each method is documented to answer with."""

from collections.abc import Callable

from starlette.responses import PlainTextResponse, Response

from simulator.faults import Fault
from simulator.known_faults import SHARED
from simulator.slack.calls import Call, Limited, Refused
from simulator.slack.store import SlackStandIn

_ANY = {
    *SHARED,
    "rate_limited",
    "unavailable",
    "internal_error",
    "fatal_error",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "invalid_auth",
}
_CONTENT = {"msg_too_long", "msg_blocks_too_long", "too_many_blocks", "invalid_blocks"}
_READING = {"channel_not_found", "not_in_channel", "missing_scope"}
_LOCKED_EDIT = {"edit_window_closed", "cant_update_message"}
_LOCKED_DELETION = {"cant_delete_message", "compliance_exports_prevent_deletion"}
_BY_METHOD = {
    "chat.postMessage": _READING
    | _CONTENT
    | {"archived", "restricted_action", "restricted_action_read_only_channel"},
    "chat.update": _CONTENT
    | _LOCKED_EDIT
    | {"archived", "channel_not_found", "missing_scope", "deleted"},
    "chat.delete": _LOCKED_DELETION | {"archived", "channel_not_found", "missing_scope", "deleted"},
    "conversations.history": _READING,
    "conversations.replies": _READING,
    "conversations.info": {"channel_not_found", "missing_scope"},
    "files.getUploadURLExternal": {"missing_scope", "file_uploads_disabled"},
    "files.completeUploadExternal": {"missing_scope", "channel_not_found"},
}
_PAGE = "<!DOCTYPE html><html><body><h1>Server Error</h1></body></html>"


def possible(method: str) -> set[str]:
    """The faults that the method can be struck by: what Slack would never answer is not there."""
    return _ANY | _BY_METHOD.get(method, set())


def struck(
    fault: Fault, call: Call, *, world: SlackStandIn, work: Callable[[], object]
) -> Response | None:
    """The answer instead of the right one; None when the fault spoils the right one later.

    Raises Refused for what Slack words as an error.
    """
    name = fault.fault
    if name in SHARED:
        return None
    if name == "unavailable":
        return PlainTextResponse(_PAGE, 503, media_type="text/html")
    if name == "rate_limited":
        raise Limited(1 if fault.seconds is None else round(fault.seconds))
    if name == "fatal_error":
        work()
    if name == "deleted":
        _delete(world, call)
    raise _refusal(name, call.method)


def _refusal(name: str, method: str) -> Refused:
    if name == "archived":
        return Refused("is_archived" if method == "chat.postMessage" else "is_inactive")
    if name == "deleted":
        return Refused("message_not_found")
    if name == "missing_scope":
        needed = {"chat": "chat:write", "files": "files:write"}.get(
            method.partition(".")[0], "channels:history"
        )
        return Refused(name, needed=needed, provided="reactions:write")
    if name == "too_many_blocks":
        findings = ("no more than 50 items allowed [json-pointer:/blocks]",)
        return Refused("invalid_blocks", findings)
    if name == "invalid_blocks":
        return Refused(name, ("unsupported type: card [json-pointer:/blocks/0/type]",))
    return Refused(name)


def _delete(world: SlackStandIn, call: Call) -> None:
    channel = world.channel_id(call.arguments.get("channel")) or ""
    message = world.find(channel, call.arguments.get("ts"))
    if message is not None:
        world.messages.remove(message)
