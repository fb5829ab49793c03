"""Slack on the wire: the part of its Web API that a bot needs, as strict as Slack is."""

from simulator.slack.limits import Limits
from simulator.slack.payloads import Human
from simulator.slack.people import People, let_people_in
from simulator.slack.render import render_message
from simulator.slack.store import SlackStandIn
from simulator.slack.web import build_slack

__all__ = [
    "Human",
    "Limits",
    "People",
    "SlackStandIn",
    "build_slack",
    "let_people_in",
    "render_message",
]
