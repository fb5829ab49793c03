"""The three steps of a file upload: announce, send the bytes, share in a channel."""

from simulator.slack.calls import Call, Refused
from simulator.slack.posting import CHANNEL_ERROR
from simulator.slack.store import Message, SlackStandIn, UploadedFile, Version

MAX_NAME_CHARACTERS = 255


def announce_file(world: SlackStandIn, call: Call, *, base_url: str) -> dict[str, object]:
    """A file with no bytes yet; the answer says where to send them."""
    name, length = call.required("filename"), call.whole("length", 0)
    if length < 1 or len(name) > MAX_NAME_CHARACTERS:
        raise Refused("invalid_arguments", ("must be a name and a length of at least 1",))
    file_id = f"F{len(world.files) + 1:010d}"
    world.files[file_id] = UploadedFile(file_id, name, length)
    return {"file_id": file_id, "upload_url": f"{base_url}upload/v1/{file_id}"}


def share_files(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The files stand in the channel as one message, or in no channel when none is named."""
    channel = None
    if call.text("channel_id"):
        channel = world.channel_id(call.text("channel_id"))
        if channel is None:
            raise Refused(CHANNEL_ERROR)
    thread_ts = call.text("thread_ts") or None
    if channel is not None and thread_ts is not None and world.find(channel, thread_ts) is None:
        raise Refused("invalid_thread_ts")
    files = [_uploaded(world, entry) for entry in _entries(call)]
    for file in files:
        file.channel = channel
    if channel is not None:
        version = Version(world.next_ts(), call.text("initial_comment"))
        message = Message(channel, version.at, [version], thread_ts)
        message.files = [file.file_id for file in files]
        message.unknown_arguments = list(call.unknown)
        world.messages.append(message)
    return {"files": [{"id": file.file_id, "title": file.title} for file in files]}


def _entries(call: Call) -> list[object]:
    entries = call.structure("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries:
        raise Refused("invalid_arguments", ("missing required field: files",))
    return entries


def _uploaded(world: SlackStandIn, entry: object) -> UploadedFile:
    file = world.files.get(str(entry.get("id"))) if isinstance(entry, dict) else None
    if file is None or file.content is None or not isinstance(entry, dict):
        raise Refused("file_not_found")
    file.title = str(entry.get("title") or file.name)
    return file
