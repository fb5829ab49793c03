"""Settings of the toolrunner. The servers' credentials belong to the servers' own process."""

from pathlib import Path

from pydantic import Field, SecretStr

from bus.settings import BusSettings

SHIPPED_POLICIES = Path(__file__).parent / "policies"


class Settings(BusSettings):
    """Read from the environment only; wrong values are refused."""

    mcp_servers: str = ""
    """Path of an `mcpServers` JSON file; empty: the built-in servers."""
    servers_port: int = Field(default=8090, ge=1, le=65_535)
    """Loopback port of built-in servers that run as a process of their own."""
    servers_token: SecretStr = SecretStr("")
    """Bearer token of such servers; empty: the toolrunner runs the built-in servers itself."""
    policy_dir: str = str(SHIPPED_POLICIES)
    """Folder of the policy files; default: the shipped one, which allows the built-in tools."""
    tool_seconds: float = Field(default=30.0, gt=0, le=600)
    """Longest time of one tool call; the investigation's deadline may cut it shorter."""
    tool_result_bytes: int = Field(default=8 * 1024 * 1024, ge=1_000, le=64 * 1024 * 1024)
    """Largest result of one tool call; a larger one is an error that says so."""
    shown_characters: int = Field(default=32_000, ge=2_000, le=4_000_000)
    """Most characters that the model is shown of a result, or of a page of `read_result`."""
    servers_wait_seconds: float = Field(default=45.0, ge=0, le=120)
    """How long the first catalogue waits for servers that do not answer yet; incidents wait too."""
    calls_per_server: int = Field(default=8, ge=1, le=200)
    """Calls that one replica makes to one MCP server at the same time."""
