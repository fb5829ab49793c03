"""Slack on the wire: the part of its Web API that a bot needs, as strict as Slack is."""

from simulator.slack.limits import Limits
from simulator.slack.render import render_message
from simulator.slack.store import SlackStandIn
from simulator.slack.web import build_slack

__all__ = ["Limits", "SlackStandIn", "build_slack", "render_message"]
