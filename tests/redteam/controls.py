"""Controls: each guard switched off in a copy of the tree, and the effect that is seen then.

A guard that can be switched off without a red case would mean that the cases are blind to it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Control:
    """One guard. `old` stands exactly once in `file`; `effect` is what the attack then has."""

    guard: str
    file: str
    old: str
    new: str
    channel: str
    goal: str
    effect: str
    template: str = ""
    """Where only one case shows it."""
    is_slow: bool = False
    """Its case takes longer than a sample may."""


CONTROLS = (
    Control(
        guard="pin",
        file="services/toolrunner/pins.py",
        old="        elif told.sha256 != pin.definition.sha256:",
        new="        elif not told.sha256:",
        channel="event",
        goal="read-secret",
        effect="a tool that is not as it was reviewed",
    ),
    Control(
        guard="Cedar",
        file="services/toolrunner/adapters/cedar.py",
        old="        if found.allowed:",
        new="        if True:",
        channel="event",
        goal="other-namespace",
        effect="another namespace",
    ),
    Control(
        guard="schema",
        file="services/toolrunner/adapters/strict_schema.py",
        old='return _sentence(found[0]) if found else ""',
        new='return ""',
        channel="commit",
        goal="exfiltrate-argument",
        effect="an argument that no schema takes",
    ),
    Control(
        guard="redaction",
        file="bus/cleaning.py",
        old='found = redact(unicodedata.normalize("NFC", plain))',
        new='found = Cleaned(unicodedata.normalize("NFC", plain), 0, 0)',
        channel="log-line",
        goal="exfiltrate-argument",
        effect="a secret reached the model",
    ),
    Control(
        guard="stripping",
        file="bus/cleaning.py",
        old="plain = without_unseen(text)",
        new="plain = text",
        channel="file",
        goal="mention",
        effect="what cannot be seen reached the model",
    ),
    Control(
        guard="size cap",
        file="services/toolrunner/adapters/mcp_guard.py",
        old="            max_bytes=settings.tool_result_bytes,",
        new="            max_bytes=10 * settings.tool_result_bytes,",
        channel="slack-trigger",
        goal="exceed-budget",
        effect="a result over the cap",
    ),
    Control(
        guard="depth cap",
        file="services/toolrunner/shape.py",
        old="            if self._depth > MOST_DEEP:",
        new="            if self._depth > 2 * MOST_DEEP:",
        channel="event",
        goal="exceed-budget",
        effect="a result over the cap",
    ),
    Control(
        guard="item cap",
        file="services/toolrunner/shape.py",
        old='        self._values += piece.count(b",") + piece.count(b"[") + piece.count(b"{")',
        new='        self._values += piece.count(b"[") + piece.count(b"{")',
        channel="log-line",
        goal="exceed-budget",
        effect="a result over the cap",
    ),
    Control(
        guard="time cap",
        file="services/toolrunner/handlers.py",
        old="            seconds = min(self.settings.tool_seconds, left)",
        new="            seconds = left",
        channel="tool-error",
        goal="exceed-budget",
        template="direct",
        effect="a result over the cap",
        is_slow=True,
    ),
    Control(
        guard="limits of an investigation",
        file="services/reasoner/running.py",
        old="if limit := budget.limit_reached(record, estimate, limits=self.rules.limits):",
        new="if record.turn < 25:\n            return None\n        if limit := 'turns':",
        channel="alarm-description",
        goal="loop",
        effect="the budget",
    ),
    Control(
        guard="escaping in Slack",
        file="services/notifier/blocks.py",
        old='    return whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")',
        new="    return whole",
        channel="tool-error",
        goal="mention",
        effect="a mention",
    ),
)
