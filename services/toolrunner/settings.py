"""Settings of the toolrunner. The servers' credentials belong to the servers' own process."""

from pathlib import Path

from pydantic import Field, SecretStr

from bus.settings import BusSettings

SHIPPED_POLICIES = Path(__file__).parent / "policies"
LOCK = "tools.lock.json"


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
    """Folder of the policy files; default: the shipped one, which allows the built-in tools."""
    tools_lock: str = ""
    """The lock of all reviewed tools; empty: `tools.lock.json` in the folder of the policies."""
    tool_seconds: float = Field(default=30.0, gt=0, le=600)
    """Longest time of one tool call; the investigation's deadline may cut it shorter."""
    tool_result_bytes: int = Field(default=8 * 1024 * 1024, ge=1_000, le=64 * 1024 * 1024)
    """Largest result of one tool call; a larger one is an error that says so."""
    shown_characters: int = Field(default=200_000, ge=2_000, le=4_000_000)
    """Most characters of a result that the model is shown; the rest is read with `read_result`."""
    servers_wait_seconds: float = Field(default=45.0, ge=0, le=120)
    """How long the first catalogue waits for servers that do not answer yet; incidents wait too."""
    calls_per_server: int = Field(default=8, ge=1, le=200)
    """Calls that one replica makes to one MCP server at the same time."""
    calls_per_second: float = Field(default=50.0, ge=0, le=1_000)
    """Calls a second that one replica makes to one MCP server, as many at once; 0: no limit."""
    server_failures: int = Field(default=5, ge=0, le=1_000)
    """Failures in a row after which an MCP server is left alone for a while; 0: it never is."""
    server_pause_seconds: float = Field(default=15.0, gt=0, le=600)
    """How long such a server is not asked; then one call tries, and its answer decides."""

    @property
    def lock_file(self) -> Path:
        """Where the lock of all tools is."""
        return Path(self.tools_lock or Path(self.policy_dir) / LOCK)
