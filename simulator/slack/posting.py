"""The methods that write: chat.postMessage, .update, .delete, .postEphemeral, reactions.add."""

import html
import json
import re

from simulator.slack.block_kit import MAX_BLOCK_CHARACTERS, block_characters, block_findings
from simulator.slack.calls import Call, Refused
from simulator.slack.store import Message, SlackStandIn, Version

MAX_TEXT_CHARACTERS = 40_000
MAX_UPDATE_BYTES = 4_000
"""Of an edited message's text, counted after `&`, `<` and `>` are escaped; a post may hold more."""
MAX_MARKDOWN_CHARACTERS = 12_000
MAX_METADATA_BYTES = 16_000
MAX_ATTACHMENTS = 100
CHANNEL_ERROR = "channel_not_found"


def channel_of(world: SlackStandIn, call: Call, *, by_name: bool = False) -> str:
    """The id of the channel the call names; raises Refused(channel_not_found).

    Only a post may name it other than by its id.
    """
    named = call.arguments.get("channel")
    channel = world.channel_id(named)
    if channel is None or (channel != named and not by_name):
        raise Refused(CHANNEL_ERROR)
    return channel


def message_of(world: SlackStandIn, call: Call, *, named_by: str) -> Message:
    """The message whose timestamp is in argument `named_by`; raises Refused(message_not_found)."""
    message = world.find(channel_of(world, call), call.arguments.get(named_by))
    if message is None:
        raise Refused("message_not_found")
    return message


def post_message(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The message stands in its channel or thread; the answer holds its `ts`."""
    channel = channel_of(world, call, by_name=True)
    thread_ts = call.text("thread_ts") or None
    if thread_ts is not None:
        _check_parent(world.find(channel, thread_ts), thread_ts)
    version = _version(call, world.next_ts(), before=None)
    message = Message(channel, version.at, [version], thread_ts)
    message.broadcast = call.flag("reply_broadcast")
    message.unknown_arguments = list(call.unknown)
    world.messages.append(message)
    said = message.as_slack(with_metadata=True)
    return {"channel": channel, "ts": message.ts, "message": said}


def post_ephemeral(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The message was shown to one person and stands in no history."""
    channel = channel_of(world, call, by_name=True)
    user = call.text("user")
    if not user:
        raise Refused("user_not_in_channel")
    version = _version(call, world.next_ts(), before=None)
    thread_ts = call.text("thread_ts") or None
    message = Message(channel, version.at, [version], thread_ts, ephemeral_for=user)
    world.messages.append(message)
    return {"message_ts": message.ts}


def update_message(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The message says what the call says; a text without blocks takes the blocks away.

    Metadata and attachments that the call leaves out stay as they were.
    """
    message = message_of(world, call, named_by="ts")
    if message.ephemeral_for is not None:
        raise Refused("cant_update_message")
    version = _version(call, world.next_ts(), before=message.now)
    if len(html.escape(call.text("text"), quote=False).encode()) > MAX_UPDATE_BYTES:
        raise Refused("msg_too_long")
    message.versions.append(version)
    message.unknown_arguments += call.unknown
    said = message.as_slack(with_metadata=True)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "text": message.now.text,
        "message": said,
    }


def delete_message(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The message stands nowhere any more; a bot may take back what it said itself."""
    message = message_of(world, call, named_by="ts")
    if message.ephemeral_for is not None:
        raise Refused("cant_delete_message")
    world.messages.remove(message)
    return {"channel": message.channel, "ts": message.ts}


def add_reaction(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The bot has reacted to the message; Slack refuses the same reaction twice."""
    message = message_of(world, call, named_by="timestamp")
    name = call.text("name").strip(":")
    if not re.fullmatch(r"[\w+'-]+(::skin-tone-[2-6])?", name):
        raise Refused("invalid_name")
    if name in message.reactions:
        raise Refused("already_reacted")
    message.reactions[name] = 1
    return {}


def _version(call: Call, at: str, *, before: Version | None) -> Version:
    blocks = _blocks(call)
    text = _text(call, "text")
    attachments = call.structure("attachments", "invalid_attachments") or []
    if not isinstance(attachments, list):
        raise Refused("invalid_attachments")
    if len(attachments) > MAX_ATTACHMENTS:
        raise Refused("too_many_attachments")
    markdown = _text(call, "markdown_text")
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if not (text or blocks or attachments or markdown):
        raise Refused("no_text")
    if len(text) > MAX_TEXT_CHARACTERS or len(markdown) > MAX_MARKDOWN_CHARACTERS:
        raise Refused("msg_too_long")
    kept = before or Version(at, "")
    if blocks is None:
        blocks = [] if text or markdown else kept.blocks
    return Version(
        at,
        text or markdown,
        blocks,
        _metadata(call) if "metadata" in call.arguments else kept.metadata,
        attachments if "attachments" in call.arguments else kept.attachments,
    )


def _text(call: Call, name: str) -> str:
    """The argument as text; half a pair of surrogates, which JSON can spell, is none.

    Slack refuses such a call, and its page names no word for that: this is the one for a block.
    """
    text = call.text(name)
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise Refused("invalid_arguments", (f"must be valid unicode [json-pointer:/{name}]",))
    return text


def _blocks(call: Call) -> list[object] | None:
    if call.arguments.get("blocks") is None:
        return None
    blocks = call.structure("blocks", "invalid_blocks_format")
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    findings = block_findings(blocks)
    if findings:
        raise Refused("invalid_blocks", tuple(str(finding) for finding in findings))
    if block_characters(blocks) > MAX_BLOCK_CHARACTERS:
        raise Refused("msg_blocks_too_long")
    return blocks


def _metadata(call: Call) -> dict[str, object] | None:
    metadata = call.structure("metadata", "invalid_metadata_format")
    if metadata in ({}, None):
        return None
    if not isinstance(metadata, dict):
        raise Refused("invalid_metadata_format")
    event_type, event_payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(event_type, str) or not re.fullmatch(r"\w{1,255}", event_type):
        raise Refused("invalid_metadata_format")
    if not isinstance(event_payload, dict) or not all(map(_may_hold, event_payload.values())):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > MAX_METADATA_BYTES:
        raise Refused("metadata_too_large")
    return {"event_type": event_type, "event_payload": event_payload}


def _may_hold(value: object) -> bool:
    """Whether a field of `event_payload` may have that value: it holds no null and is not deep."""
    if isinstance(value, list):
        return all(isinstance(part, dict) and _may_hold(part) for part in value)
    if isinstance(value, dict):
        return all(isinstance(part, str | int | float) for part in value.values())
    return isinstance(value, str | int | float)


def _check_parent(parent: Message | None, thread_ts: str) -> None:
    """A reply names the message whose thread it belongs to, never another reply."""
    if parent is None:
        raise Refused("thread_not_found" if _is_ts(thread_ts) else "invalid_thread_ts")
    if not parent.top_level:
        raise Refused("cannot_reply_to_message")


def _is_ts(text: str) -> bool:
    return re.fullmatch(r"\d{10}\.\d{6}", text) is not None
