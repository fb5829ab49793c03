"""The methods of the Web API that the stand-in knows, with the arguments Slack knows for each."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.slack.calls import Call
from simulator.slack.files import share_files
from simulator.slack.posting import (
    add_reaction,
    delete_message,
    post_ephemeral,
    post_message,
    update_message,
)
from simulator.slack.reading import (
    auth_test,
    channel_info,
    history,
    open_socket,
    permalink,
    replies,
)
from simulator.slack.store import SlackStandIn

Answer = Callable[[SlackStandIn, Call], dict[str, object]]

_CONTENT = "channel text blocks attachments metadata markdown_text parse link_names as_user"
_SENDER = "thread_ts icon_emoji icon_url username"
_PAGE = "channel cursor limit oldest latest inclusive include_all_metadata"


@dataclass(frozen=True)
class Method:
    """How a method is answered, and its arguments."""

    answer: Answer
    arguments: frozenset[str]


def _method(answer: Answer, arguments: str = "") -> Method:
    return Method(answer, frozenset(arguments.split()))


METHODS = {
    "auth.test": _method(auth_test),
    "chat.postMessage": _method(
        post_message,
        f"{_CONTENT} {_SENDER} reply_broadcast unfurl_links unfurl_media mrkdwn container_id",
    ),
    "chat.postEphemeral": _method(post_ephemeral, f"{_CONTENT} {_SENDER} user"),
    "chat.update": _method(update_message, f"{_CONTENT} ts reply_broadcast file_ids"),
    "chat.delete": _method(delete_message, "channel ts as_user"),
    "chat.getPermalink": _method(permalink, "channel message_ts"),
    "conversations.history": _method(history, _PAGE),
    "conversations.replies": _method(replies, f"{_PAGE} ts"),
    "conversations.info": _method(channel_info, "channel include_locale include_num_members"),
    "reactions.add": _method(add_reaction, "channel timestamp name"),
    "files.completeUploadExternal": _method(
        share_files, "files channel_id channels initial_comment thread_ts blocks highlight_type"
    ),
    "apps.connections.open": _method(open_socket),
}
