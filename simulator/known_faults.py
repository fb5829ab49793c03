"""The faults that can be asked of each stand-in, by name, with what then happens."""

from collections.abc import Mapping

SHARED = {
    "slow": "the answer is right but comes `seconds` later (default 2)",
    "hang": "no answer, until the client gives up or `seconds` are over (default 600)",
    "dropped": "nothing is done, and the connection ends without an answer",
    "accepted_dropped": "it is done, and the connection ends without an answer",
    "cut": "the answer ends in the middle of its body",
}
"""Every stand-in that speaks HTTP knows these; `simulator.striking` does them for ASGI apps."""

KNOWN_FAULTS: Mapping[str, Mapping[str, str]] = {
    "model": SHARED,
    "slack": SHARED,
    "kubernetes": {},
    "github": {},
    "aws": {},
}
