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

_MODEL = {
    "rate_limited": "429 rate_limit_error, retry-after `seconds` (default 1)",
    "spend_limit": "429 rate_limit_error without retry-after: the month's money is spent",
    "overloaded": "529 overloaded_error",
    "api_error": "500 api_error",
    "timeout": "504 timeout_error",
    "refusal": "the reply breaks off with stop_reason refusal",
    "max_tokens_in_text": "the reply is cut off in its text",
    "max_tokens_in_call": "the reply is cut off in the arguments of its last call",
    "silence": "end_turn with no content at all",
    "blank": "end_turn with a text of nothing but white space",
    "no_call": "end_turn with words and without a call",
    "thinking": "two signed thinking blocks, one of them between text and calls",
    "redacted_thinking": "a redacted_thinking block, which has to come back as it is",
    "parallel_calls": "the turn's first call `amount` times in one reply (default 20)",
    "unknown_tool": "the calls go to a tool that was never offered",
    "wrong_types": "every argument of the calls has a wrong type",
    "missing_field": "the calls lack every required argument",
    "huge_arguments": "the first argument holds `amount` characters (default 300000)",
    "invented_quotes": "a diagnosis at once, with quotes that nobody showed",
    "endless_calls": "a tool call, also when told to conclude",
}

KNOWN_FAULTS: Mapping[str, Mapping[str, str]] = {
    "model": SHARED | _MODEL,
    "slack": SHARED,
    "kubernetes": {},
    "github": {},
    "aws": {},
}
