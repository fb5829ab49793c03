"""You will see a tool of your own quoted as evidence, and another withheld that no policy names.

.venv/bin/python examples/05_add_a_tool_server.py
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from fastmcp import FastMCP
from laptop import NO_INGEST, laptop, nightshift, outcome_of, say

from cli.stack import Plan
from simulator.redis_server import free_port

SCENARIO = str(Path(__file__).with_name("planned-work.yaml"))
RULE = """@id("planned-work") @reason("What is planned may be read.")
permit (principal, action == Action::"calendar__read", resource == Server::"calendar");"""
server: FastMCP[None] = FastMCP("calendar")


@server.tool(annotations={"readOnlyHint": True})
def read(service: str) -> str:
    """What is planned for a service."""
    return f"01:30 backup\n02:00 redis-cart moves to another host, {service} refuses until 02:20"


@server.tool
def cancel(service: str) -> str:
    """Cancel what is planned, which no model should do by itself."""
    return f"nothing is planned any more for {service}"


def main() -> None:
    """One incident that only our own tool explains: planned-work.yaml is ours as well."""
    at = {"host": "127.0.0.1", "port": free_port(), "show_banner": False, "log_level": "error"}
    Thread(target=server.run, args=("http",), kwargs=at, daemon=True).start()
    with TemporaryDirectory() as folder:
        entry = {"calendar": {"url": f"http://127.0.0.1:{at['port']}/mcp"}}
        Path(folder, "mcp.json").write_text(json.dumps({"mcpServers": entry}))
        Path(folder, "calendar.cedar").write_text(RULE)
        settings = {"NIGHTSHIFT_MCP_SERVERS": f"{folder}/mcp.json", "NIGHTSHIFT_POLICY_DIR": folder}
        say(nightshift("tools", "pin", **settings).stdout.splitlines()[0])
        with laptop(Plan(scenario=SCENARIO, services=NO_INGEST, settings=settings)) as stack:
            incident = nightshift("publish", redis_url=stack.redis_url).stdout.strip()
            say(f"{incident}: {outcome_of(stack, incident)}")
            shown = nightshift("show", incident, "--json", redis_url=stack.redis_url).stdout
    story = json.loads(shown)
    ours, unknown = (call for turn in story["turns"] for call in turn["calls"])
    evidence = story["diagnosis"]["evidence"][0]
    say(f"{unknown['sentence']}\n{ours['tool']} was quoted: {evidence['quote']}")
    if not evidence["verified"] or "cancel" in unknown["sentence"]:
        sys.exit(f"not as expected: {shown}")
    say("one of our two tools is evidence, the other was never offered")


if __name__ == "__main__":
    main()
