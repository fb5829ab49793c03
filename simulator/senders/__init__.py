"""What the real senders send about a problem: CloudWatch, Logs, Alertmanager and Slack.

Pure makers of bodies and headers; who sends them, and where to, is the caller's affair.
"""

from simulator.senders.problem import Problem

__all__ = ["Problem"]
