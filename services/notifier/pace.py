"""How urgent a write to Slack is: where Slack allows only so much, the more urgent goes first."""

from typing import Literal

Urgency = Literal["final", "placeholder", "details", "progress"]
"""From the most urgent to the least."""
