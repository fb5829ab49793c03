"""GitHub's REST API on the wire: one repository, read-only, as api.github.com answers."""

from simulator.github.rate_limits import RateLimits
from simulator.github.web import build_github

__all__ = ["RateLimits", "build_github"]
