"""Every name that a span may carry, each once; what is not here does not leave (security.md, T24).

None is for a text that was sent to a model or a tool, or that came back.
"""

ERROR_TYPE, RESENDS = "error.type", "http.request.resend_count"
OPERATION, PROVIDER = "gen_ai.operation.name", "gen_ai.provider.name"
AGENT, CONVERSATION = "gen_ai.agent.name", "gen_ai.conversation.id"
REQUEST_MODEL, MAX_TOKENS = "gen_ai.request.model", "gen_ai.request.max_tokens"
RESPONSE_MODEL, FINISH = "gen_ai.response.model", "gen_ai.response.finish_reasons"
INPUT_TOKENS, OUTPUT_TOKENS = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
TOOL, TOOL_CALL, TOOL_TYPE = "gen_ai.tool.name", "gen_ai.tool.call.id", "gen_ai.tool.type"
MESSAGING, MESSAGING_OPERATION = "messaging.system", "messaging.operation.name"
MESSAGING_TYPE, MESSAGE = "messaging.operation.type", "messaging.message.id"
STREAM, GROUP = "messaging.destination.name", "messaging.consumer.group.name"
INCIDENT, SERVICE, SEVERITY = "nightshift.incident.id", "nightshift.service", "nightshift.severity"
OUTCOME, COST_USD, MODEL = "nightshift.outcome", "nightshift.cost_usd", "nightshift.model"
TURN, TURNS, TOOL_CALLS = "nightshift.turn", "nightshift.turns", "nightshift.tool_calls"
CONCLUDES, CUT_OFF = "nightshift.concludes", "nightshift.cut_off"
INSTEAD_OF, CACHE_MISS = "nightshift.instead_of", "nightshift.cache_miss"
PROMPT_VERSION, PROMPT_SHA256 = "nightshift.prompt_version", "nightshift.prompt_sha256"
TEXTS_SHA256, CALL = "nightshift.texts_sha256", "nightshift.call"
DECISION, REASON = "nightshift.policy.decision", "nightshift.policy.reason"
RULES, POLICY_SHA256 = "nightshift.policy.rules", "nightshift.policy.sha256"
POLICY_MODE, REPLICA = "nightshift.policy.mode", "nightshift.replica"
DELIVERY, ALARM = "nightshift.delivery", "nightshift.alarm.name"
INGEST_OUTCOME, SLACK_METHOD = "nightshift.ingest.outcome", "slack.method"
SLACK_ANSWER = "slack.answer"

EXCEPTION_TYPE, EXCEPTION_ESCAPED = "exception.type", "exception.escaped"
MCP_METHOD, MCP_VERSION = "mcp.method.name", "mcp.protocol.version"
MCP_REQUEST, MCP_STATUS = "jsonrpc.request.id", "rpc.response.status_code"
MCP_SERVER, MCP_SEAM = "fastmcp.server.name", "fastmcp.span.seam"
COMPONENT, COMPONENT_TYPE = "fastmcp.component.key", "fastmcp.component.type"

ALLOWED = frozenset(
    value for name, value in tuple(vars().items()) if name.isupper() and isinstance(value, str)
)
