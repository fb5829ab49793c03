"""The three steps of a file upload: announce, send the bytes, share in a channel; each once.

Slack says that a file is completed once and names no word for a second time: here it is
`file_not_found`, as for a file whose bytes never came.
"""

import re

from simulator.slack.calls import Call, Refused
from simulator.slack.posting import CHANNEL_ERROR
from simulator.slack.store import Message, SlackStandIn, UploadedFile, Version

MAX_NAME_CHARACTERS = 255
MAX_FILES = 10
_CHANNEL = re.compile(r"[CGDZ][A-Z0-9]{8,}")


def announce_file(world: SlackStandIn, call: Call, *, base_url: str) -> dict[str, object]:
    """A file with no bytes yet; the answer says where to send them."""
    name, length = call.required("filename"), call.whole("length", 0)
    if length < 1 or len(name) > MAX_NAME_CHARACTERS:
        raise Refused("invalid_arguments", ("must be a name and a length of at least 1",))
    file_id = f"F{len(world.files) + 1:010d}"
    world.files[file_id] = UploadedFile(file_id, name, length)
    return {"file_id": file_id, "upload_url": f"{base_url}upload/v1/{file_id}"}


def receive_bytes(file: UploadedFile | None, content: bytes) -> tuple[int, str]:
    """Status and words of the answer to a file's bytes: as many as announced, and once."""
    if file is None or file.content is not None:
        return 404, "no such upload"
    if len(content) != file.length:
        return 400, f"{file.length} bytes were announced"
    file.content = content
    return 200, f"OK - {len(content)}"


def share_files(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The files stand in the channel as one message, or in no channel when none is named."""
    channel = call.text("channel_id") or None
    if channel is not None and not _CHANNEL.fullmatch(channel):
        raise Refused("invalid_arguments", ("failed to match pattern [json-pointer:/channel_id]",))
    if channel is not None and world.channel_id(channel) != channel:
        raise Refused(CHANNEL_ERROR)
    thread_ts = _thread(world, call, channel=channel)
    files = [_uploaded(world, entry) for entry in _entries(call)]
    if len({file.file_id for file in files}) < len(files):
        raise Refused("invalid_arguments", ("a file is named twice [json-pointer:/files]",))
    for file in files:
        file.channel, file.completed = channel, True
    if channel is not None:
        version = Version(world.next_ts(), call.text("initial_comment"))
        message = Message(channel, version.at, [version], thread_ts)
        message.files = [file.file_id for file in files]
        message.unknown_arguments = list(call.unknown)
        world.messages.append(message)
    return {"files": [{"id": file.file_id, "title": file.title} for file in files]}


def _thread(world: SlackStandIn, call: Call, *, channel: str | None) -> str | None:
    """The message whose thread is meant: one that stands in that channel and is no reply."""
    thread_ts = call.text("thread_ts") or None
    if thread_ts is None:
        return None
    parent = world.find(channel, thread_ts) if channel is not None else None
    if parent is None or not parent.top_level:
        raise Refused("invalid_thread_ts")
    return thread_ts


def _entries(call: Call) -> list[object]:
    entries = call.structure("files", "invalid_arguments")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_FILES:
        raise Refused("invalid_arguments", ("missing required field: files",))
    return entries


def _uploaded(world: SlackStandIn, entry: object) -> UploadedFile:
    file = world.files.get(str(entry.get("id"))) if isinstance(entry, dict) else None
    if file is None or file.content is None or file.completed or not isinstance(entry, dict):
        raise Refused("file_not_found")
    file.title = str(entry.get("title") or file.name)
    return file
