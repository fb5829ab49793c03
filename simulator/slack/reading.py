"""The methods that read: history, threads, channels, links, and who the token belongs to."""

import base64

from simulator.slack.calls import Call, Refused
from simulator.slack.posting import channel_of, message_of
from simulator.slack.store import BOT_ID, BOT_USER, TEAM_ID, Message, SlackStandIn

WORKSPACE = "https://nightshift.slack.test/"
MAX_PAGE = 999


def auth_test(_world: SlackStandIn, _call: Call) -> dict[str, object]:
    """Who the token belongs to."""
    return {
        "url": WORKSPACE,
        "team": "Nightshift",
        "user": "nightshift",
        "team_id": TEAM_ID,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def channel_info(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The channel with its name; the bot is a member of every channel there is."""
    channel = channel_of(world, call)
    return {
        "channel": {
            "id": channel,
            "name": world.channels[channel],
            "is_channel": True,
            "is_archived": False,
            "is_private": False,
            "is_member": True,
        }
    }


def history(world: SlackStandIn, call: Call) -> dict[str, object]:
    """One page of the channel, newest first, without thread replies."""
    said = world.top_level(channel_of(world, call))
    return _page(world, call, messages=said[::-1])


def replies(world: SlackStandIn, call: Call) -> dict[str, object]:
    """One page of a thread: its first message, then the replies, oldest first."""
    parent = world.find(channel_of(world, call), call.arguments.get("ts"))
    if parent is None:
        raise Refused("thread_not_found")
    thread = [parent, *world.replies(parent.channel, parent.ts)]
    return _page(world, call, messages=thread, keep=parent)


def permalink(world: SlackStandIn, call: Call) -> dict[str, object]:
    """The address of a message."""
    message = message_of(world, call, named_by="message_ts")
    place = f"archives/{message.channel}/p{message.ts.replace('.', '')}"
    return {"channel": message.channel, "permalink": WORKSPACE + place}


def open_socket(_world: SlackStandIn, _call: Call) -> dict[str, object]:
    """Always refused: the stand-in has no Socket Mode."""
    raise Refused("internal_error", ("this stand-in has no Socket Mode",))


def _page(
    world: SlackStandIn, call: Call, *, messages: list[Message], keep: Message | None = None
) -> dict[str, object]:
    limit = call.whole("limit", 100)
    if not 1 <= limit <= MAX_PAGE:
        raise Refused("invalid_limit")
    wanted = [said for said in messages if said is keep or _within(call, said)]
    start = _start(wanted, call.text("cursor"))
    page, rest = wanted[start : start + limit], wanted[start + limit :]
    with_metadata = call.flag("include_all_metadata")
    answer: dict[str, object] = {
        "messages": [_shown(world, said, with_metadata=with_metadata) for said in page],
        "has_more": bool(rest),
    }
    if rest:
        cursor = base64.b64encode(f"next_ts:{rest[0].ts}".encode()).decode()
        answer["response_metadata"] = {"next_cursor": cursor}
    return answer


def _start(messages: list[Message], cursor: str) -> int:
    if not cursor:
        return 0
    cursors = [base64.b64encode(f"next_ts:{said.ts}".encode()).decode() for said in messages]
    if cursor not in cursors:
        raise Refused("invalid_cursor")
    return cursors.index(cursor)


def _within(call: Call, message: Message) -> bool:
    stamp = _number(message.ts)
    oldest = _number(call.text("oldest", "0"))
    latest = _number(call.text("latest", "9999999999"))
    if call.flag("inclusive"):
        return oldest <= stamp <= latest
    return oldest < stamp < latest


def _shown(world: SlackStandIn, message: Message, *, with_metadata: bool) -> dict[str, object]:
    said = message.as_slack(with_metadata=with_metadata)
    if message.files:
        said["files"] = [world.files[file_id].as_slack() for file_id in message.files]
    thread = world.replies(message.channel, message.ts)
    if thread:
        said |= {
            "thread_ts": message.ts,
            "reply_count": len(thread),
            "latest_reply": thread[-1].ts,
        }
    return said


def _number(stamp: str) -> tuple[int, int]:
    seconds, _, fraction = stamp.partition(".")
    if not seconds.isdecimal() or (fraction and not fraction.isdecimal()):
        raise Refused("invalid_arguments", ("must be a timestamp",))
    return int(seconds), int(fraction.ljust(6, "0")[:6] or 0)
