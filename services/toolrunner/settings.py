"""Settings of the toolrunner. The servers' credentials belong to the servers' own process."""

import re
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from bus.settings import BusSettings
from services.toolrunner.policy import Scope, scope_of

SHIPPED_POLICIES = Path(__file__).parent / "policies"
LOCK = "tools.lock.json"
_NAMESPACE = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
NAMESPACES = rf"^\s*({_NAMESPACE}(\s*,\s*{_NAMESPACE})*)?[\s,]*$"
_LOG_GROUP = r"[.\-_/#A-Za-z0-9]{1,512}\*?"
LOG_GROUPS = rf"^\s*({_LOG_GROUP}(\s*,\s*{_LOG_GROUP})*)?[\s,]*$"
REPOSITORY = r"^([A-Za-z0-9-]{1,39}/[A-Za-z0-9_-][A-Za-z0-9._-]*)?$"
_FORMS = {
    "namespaces": (NAMESPACES, "names of namespaces separated by commas, such as shop,payments"),
    "repository": (REPOSITORY, "a repository as owner/name"),
    "log_groups": (LOG_GROUPS, "log groups separated by commas, such as /shop/*,/payments/api"),
}


class Settings(BusSettings):
    """Read from the environment only; wrong values are refused."""

    mcp_servers: str = ""
    """Path of an `mcpServers` JSON file; empty: the built-in servers.

    An entry may have limits of its own, `callsAtOnce` and `callsPerSecond`.
    """
    servers_port: int = Field(default=8090, ge=1, le=65_535)
    """Loopback port of built-in servers that run as a process of their own."""
    servers_token: SecretStr = SecretStr("")
    """Bearer token of such servers; empty: the toolrunner runs the built-in servers itself."""
    policy_dir: str = str(SHIPPED_POLICIES)
    """Folder of the policy (`*.cedar`, `settings.yaml`, `STOP`); default: the shipped one."""
    tools_lock: str = ""
    """The lock of all reviewed tools; empty: `tools.lock.json` in the folder of the policies."""
    namespaces: str = ""
    """Kubernetes namespaces that the policy knows as configured, separated by commas."""
    repository: str = ""
    """The repository that the policy knows as configured, as `owner/name`."""
    log_groups: str = ""
    """CloudWatch log groups that the policy knows as configured, separated by commas; `/shop/*`
    stands for all whose name begins with `/shop/`."""
    max_tool_calls: int = Field(default=40, ge=0, le=10_000)
    """Calls that one investigation may start; the reasoner reads the same variable."""
    audit_key: SecretStr = SecretStr("")
    """Key of the MACs on audit entries; without it, who can write to Redis can forge the newest."""
    tool_seconds: float = Field(default=30.0, gt=0, le=600)
    """Longest time of one tool call; the investigation's deadline may cut it shorter."""
    tool_result_bytes: int = Field(default=8 * 1024 * 1024, ge=1_000, le=64 * 1024 * 1024)
    """Longest text of a tool call that is read whole; a longer one is condensed as it comes, and
    one of more than sixteen times as much is an error that says so."""
    shown_characters: int = Field(default=32_000, ge=2_000, le=4_000_000)
    """Most characters that the model is shown of a result, or of a page of `read_result`."""
    servers_wait_seconds: float = Field(default=45.0, ge=0, le=120)
    """How long the first catalogue waits for servers that do not answer yet; what comes waits too.
    Calls are left to replicas that have theirs."""
    rollouts_seconds: float = Field(default=60.0, ge=0, le=600)
    """How often recent roll-outs in the configured namespaces are looked up, for the first message
    of every investigation; 0: never."""
    calls_per_server: int = Field(default=8, ge=1, le=200)
    """Calls that one replica makes to one MCP server at the same time."""
    calls_per_second: float = Field(default=50.0, ge=0, le=1_000)
    """Calls a second that one replica makes to one MCP server, as many at once; 0: no limit."""
    server_failures: int = Field(default=5, ge=0, le=1_000)
    """Failures in a row after which an MCP server is left alone for a while; 0: it never is."""
    server_pause_seconds: float = Field(default=15.0, gt=0, le=600)
    """How long such a server is not asked; then one call tries, and its answer decides."""

    @field_validator("namespaces", "repository", "log_groups")
    @classmethod
    def _names_only(cls, value: str, field: ValidationInfo) -> str:
        pattern, form = _FORMS[field.field_name or ""]
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {form}")
        return value

    @property
    def lock_file(self) -> Path:
        """Where the lock of all tools is."""
        return Path(self.tools_lock or Path(self.policy_dir) / LOCK)

    @property
    def scope(self) -> Scope:
        """What the policy knows as configured."""
        return scope_of(self.namespaces, self.repository, log_groups=self.log_groups)
