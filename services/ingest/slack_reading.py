"""What somebody did in Slack, read from what Slack sends over HTTP or a socket. Pure.

Read by structure, not by example: whatever has not the shape of a request is `Nothing`, with a
reason. The name of a slash command is the app's business (its manifest), so any of them asks.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bus.events import ID_PATTERN

MENTION = "app_mention"
STOP = "nightshift_stop"
USEFUL = "nightshift_useful"
NOT_USEFUL = "nightshift_not_useful"
REASON = "nightshift_reason"
"""The field for a reason; its block's id ends with the investigation's."""
REASON_BLOCK = "nightshift-reason "
SEND_REASON = "nightshift_reason_send"
SEND_PRAISE = "nightshift_useful_reason_send"
"""The same for a thumbs-up."""
LONGEST_TEXT = 50_000
LONGEST_NOTE = 2_000
Clean = Callable[[str], str]
Press = Literal["stop", "useful", "not useful"]
_OF_REASON: Mapping[str, Press] = {SEND_REASON: "not useful", SEND_PRAISE: "useful"}

_SLACK_ID = re.compile(r"[A-Z0-9]{1,40}")
_MENTION = re.compile(r"<@([A-Z0-9]{1,40})(?:\|[^>]*)?>")


@dataclass(frozen=True)
class Person:
    """Who did it, by Slack's ids, and where; what Slack did not say is empty."""

    user: str
    team: str
    """The workspace in which it was done; empty for a press of an organisation's app."""
    home: str = ""
    """The workspace that the person belongs to: in a shared channel another one, or unknown."""
    channel: str = ""


@dataclass(frozen=True)
class Asked:
    """Somebody wants a diagnosis."""

    by: Person
    text: str
    request: str
    """The same for every delivery of this one request, over HTTP and over a socket."""
    answer_url: str = ""


@dataclass(frozen=True)
class Pressed:
    """Somebody pressed a button of a card, or sent a reason for a judgement."""

    by: Person
    press: Press
    investigation_id: str
    reason: str = ""
    answer_url: str = ""


@dataclass(frozen=True)
class Nothing:
    """Nothing to do; `reason` is for the log."""

    reason: str


Read = Asked | Pressed | Nothing
Json = Mapping[str, object]


def read_slack(sent: Json, *, clean: Clean) -> Read:
    """What was asked or pressed; all texts are cleaned and cut."""
    kind = _text(sent, "type")
    if not kind and _text(sent, "command").startswith("/"):
        return _command(sent, clean=clean)
    if kind == "event_callback":
        return _event(sent, clean=clean)
    if kind == "block_actions":
        return _actions(sent, clean=clean)
    return Nothing(f"nothing to do for {clean(kind)[:60] or 'what has no type'}")


def _command(sent: Json, *, clean: Clean) -> Read:
    by = _person(sent, user=_text(sent, "user_id"), channel=_text(sent, "channel_id"))
    if by is None:
        return Nothing("a command without a person")
    unique = [_text(sent, "trigger_id") or _text(sent, "response_url"), _text(sent, "text")]
    return Asked(
        by=by,
        text=_cleaned(_text(sent, "text"), clean=clean),
        request=_request(by, *unique),
        answer_url=_text(sent, "response_url"),
    )


def _event(sent: Json, *, clean: Clean) -> Read:
    event = _part(sent, "event")
    kind = _text(event, "type")
    if kind != MENTION:
        return Nothing(f"nothing to do for the event {clean(kind)[:60]}")
    if _text(event, "bot_id") or _text(event, "subtype") or event.get("edited") is not None:
        return Nothing("a mention by a program, or one that was edited")
    by = _person(sent, user=_text(event, "user"), channel=_text(event, "channel"))
    if by is None:
        return Nothing("a mention without a person")
    is_shared = sent.get("is_ext_shared_channel") not in (None, False)
    teams = [event.get(name) for name in ("user_team", "source_team", "team")]
    return Asked(
        by=replace(by, home=_home(by.team, teams, unstated="" if is_shared else by.team)),
        text=_cleaned(_said_to_us(_text(event, "text"), us=_our_user(sent)), clean=clean),
        request=_request(by, _text(sent, "event_id") or _text(event, "ts")),
    )


def _actions(sent: Json, *, clean: Clean) -> Read:
    user = _part(sent, "user")
    channel = _text(_part(sent, "channel"), "id") or _text(_part(sent, "container"), "channel_id")
    team, its_home = _text(_part(sent, "team"), "id"), _slack_id(_text(user, "team_id"))
    by = _person({"team_id": team}, user=_text(user, "id"), channel=channel)
    if by is None and sent.get("team") is None and its_home:
        # An app of a whole organisation is pressed in no workspace of its own.
        by = Person(_slack_id(_text(user, "id")), "", channel=_slack_id(channel))
    if by is None or not by.user:
        return Nothing("a press without a person")
    by = replace(by, home=its_home)
    answer_url = _text(sent, "response_url")
    for action in _parts(sent, "actions"):
        press = _press(action, sent)
        if press is not None:
            name, investigation_id, reason = press
            if not re.fullmatch(ID_PATTERN, investigation_id):
                return Nothing("a button that names no investigation")
            said = _cleaned(reason, clean=clean)
            return Pressed(by, name, investigation_id, reason=said, answer_url=answer_url)
    return Nothing("a button that is not ours")


def _press(action: Json, sent: Json) -> tuple[Press, str, str] | None:
    name, named = _text(action, "action_id"), _text(action, "value")
    if name == STOP:
        return "stop", named, ""
    if name == USEFUL:
        return "useful", named, ""
    if name == NOT_USEFUL:
        return "not useful", named, ""
    if name in (SEND_REASON, SEND_PRAISE):
        values = _part(_part(sent, "state"), "values")
        field = _part(_part(values, REASON_BLOCK + named), REASON)
        return _OF_REASON[name], named, _text(field, "value")
    return None


def _person(sent: Json, *, user: str, channel: str) -> Person | None:
    team = _slack_id(_text(sent, "team_id"))
    by = Person(_slack_id(user), team, home=team, channel=_slack_id(channel))
    return by if by.user and by.team else None


def _home(team: str, stated: Iterable[object], *, unstated: str) -> str:
    """The one workspace that a person is said to belong to; empty where that is not certain."""
    told = {_slack_id(each) if isinstance(each, str) else "" for each in stated if each is not None}
    foreign = told - {team}
    if len(foreign) > 1:
        return ""
    return next(iter(foreign), team) if told else unstated


def _our_user(sent: Json) -> str:
    """The bot's own id, as which it is mentioned, where Slack says so."""
    first = next(iter(_parts(sent, "authorizations")), {})
    return _text(first, "user_id")


def _said_to_us(text: str, *, us: str) -> str:
    """What stands behind the mention of us; what stands before it where nothing does."""
    mentions = list(_MENTION.finditer(text))
    ours = next((each for each in mentions if each[1] == us), None) or next(iter(mentions), None)
    if ours is None:
        return text
    return text[ours.end() :].strip() or text[: ours.start()].strip()


def _cleaned(text: str, *, clean: Clean) -> str:
    """Cleaned before it is cut: what is cut first may be half a secret."""
    if len(text) > LONGEST_TEXT:
        return ""
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return clean(plain).strip()[:LONGEST_NOTE]


def _request(by: Person, *unique: str) -> str:
    """A hash, because a trigger id is a right to open a dialog for three seconds."""
    told = "\n".join((by.team, by.user, by.channel, *unique))
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]


def _text(sent: Json, name: str) -> str:
    value = sent.get(name)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _slack_id(text: str) -> str:
    return text if _SLACK_ID.fullmatch(text) else ""


def _part(sent: Json, name: str) -> Json:
    value = sent.get(name)
    return value if isinstance(value, dict) else {}


def _parts(sent: Json, name: str) -> Sequence[Json]:
    value = sent.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
