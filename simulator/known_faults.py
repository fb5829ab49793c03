"""The faults that can be asked of each stand-in, by name, with what then happens."""

from collections.abc import Mapping

SHARED = {
    "slow": "the answer is right but comes `seconds` later (default 2)",
    "hang": "no answer, until the client gives up or `seconds` are over (default 600)",
    "dropped": "nothing is done, and the connection ends without an answer",
    "accepted_dropped": "it is done, and the connection ends without an answer",
    "cut": "the answer ends in the middle of its body",
}
"""Every stand-in knows these; `simulator.striking` does them, AWS for itself."""

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
    "huge_arguments": "the first argument holds `amount` characters (default 20000)",
    "invented_quotes": "a diagnosis at once, with quotes that nobody showed",
    "endless_calls": "a tool call, also when told to conclude",
    "prompt_too_long": "400 invalid_request_error: the prompt is too long",
    "context_window": "the reply breaks off with stop_reason model_context_window_exceeded",
    "bad_gateway": "502 with a page, from what stands before the API",
    "page": "200 with a page instead of JSON, from what stands before the API",
    "redirect": "307 to another address, from what stands before the API",
    "packed": "the answer comes compressed, whatever was asked for",
    "huge_answer": "a reply whose text has `amount` bytes (default 16000000)",
}

_SLACK = {
    "rate_limited": "429 with a Retry-After of `seconds` (default 1)",
    "unavailable": "503 with a page instead of JSON; nothing is done",
    "internal_error": "`internal_error`; nothing is done",
    "fatal_error": "`fatal_error`, although it is done",
    "archived": "the channel is archived: `is_archived` to a post, `is_inactive` to an edit",
    "channel_not_found": "`channel_not_found`",
    "not_in_channel": "`not_in_channel`",
    "missing_scope": "`missing_scope`",
    "file_uploads_disabled": "`file_uploads_disabled`: the workspace wants no files",
    "restricted_action": "`restricted_action`: an administrator forbids posting",
    "restricted_action_read_only_channel": "`restricted_action_read_only_channel`: some may post",
    "token_revoked": "`token_revoked`",
    "token_expired": "`token_expired`",
    "account_inactive": "`account_inactive`",
    "invalid_auth": "`invalid_auth`",
    "deleted": "somebody deleted the message: `message_not_found`, now and later",
    "edit_window_closed": "`edit_window_closed`",
    "cant_update_message": "`cant_update_message`",
    "cant_delete_message": "`cant_delete_message`",
    "compliance_exports_prevent_deletion": "`compliance_exports_prevent_deletion`",
    "msg_too_long": "`msg_too_long`",
    "msg_blocks_too_long": "`msg_blocks_too_long`",
    "too_many_blocks": "`invalid_blocks`: no more than 50 are allowed",
    "invalid_blocks": "`invalid_blocks`: a block type is not supported",
}

_KUBERNETES = {
    "forbidden": "403 Forbidden: the role does not allow it",
    "not_found": "404 NotFound: the object is not there",
    "expired": "410 Expired: the list's continue token or resource version is too old",
    "rate_limited": "429 TooManyRequests with a Retry-After of `seconds` (default 1)",
    "internal_error": "500 InternalError",
    "unavailable": "503 ServiceUnavailable",
    "slow_log": "a log comes in small pieces and takes `seconds` (default 30)",
    "huge_log": "a log of 10 MB; line `amount` from its end (default 500) holds the needle",
}

_GITHUB = {
    "rate_limited": "403, nothing remains of the limit, which resets in `seconds` (default 60)",
    "rate_limited_429": "the same with 429",
    "secondary_limit": "403 secondary rate limit, retry-after `seconds` (default 60)",
    "bad_credentials": "401 Bad credentials",
    "forbidden": "403 Resource not accessible by personal access token",
    "not_found": "404 Not Found",
    "large_file": "a file of more than 1 MB: its contents come empty, with encoding none",
    "too_large": "403 too_large: the file has more than 100 MB",
    "server_error": "502 Server Error",
    "unavailable": "503 with a page instead of JSON",
}

_AWS = {
    "throttled": "400 ThrottlingException (Throttling where the service speaks XML)",
    "internal_error": "500 InternalFailure",
    "unavailable": "503 ServiceUnavailable",
    "expired_token": "the credentials have expired",
    "access_denied": "the credentials may not do this",
    "duplicate": "SQS hands over every message of this answer twice",
}

KNOWN_FAULTS: Mapping[str, Mapping[str, str]] = {
    "model": SHARED | _MODEL,
    "slack": SHARED | _SLACK,
    "kubernetes": SHARED | _KUBERNETES,
    "github": SHARED | _GITHUB,
    "aws": SHARED | _AWS,
}
