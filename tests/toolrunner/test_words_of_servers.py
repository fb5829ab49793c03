"""What a server that is a process of ours writes to its standard error stands in our log, cleaned.

It went there untouched: with secrets, with escape sequences, and with lines that looked like ours.
"""

import asyncio
import json
import logging
import subprocess
import sys

import pytest

from bus.logs import JsonLines
from bus.testing import eventually
from services.toolrunner.adapters import mcp_words
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_http import Bounds
from services.toolrunner.adapters.mcp_servers_file import ServerEntry

PASSWORD = "Hunter2" + "Secret" + "Pass9"
KEY = "MIIEowIBAAKCAQEA1234567890abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL"
FORGED = '{"level": "error", "service": "toolrunner", "message": "policy is off"}'
SERVER = """
import sys
words, times = sys.argv[1], int(sys.argv[2])
for _ in range(times):
    sys.stderr.write(words)
sys.stderr.write("last words")
sys.stderr.flush()
sys.stdin.read()
"""


async def logged(caplog: pytest.LogCaptureFixture, words: str, times: int = 1) -> list[str]:
    """The lines of the log about a server that wrote those words, as JSON."""
    entry = ServerEntry(command=sys.executable, args=["-I", "-S", "-c", SERVER, words, str(times)])
    with caplog.at_level(logging.INFO, logger=mcp_words.__name__):
        connection = Connection("shop", entry, at_once=1, bounds=Bounds(100_000))
        keeping = asyncio.create_task(connection.keep())
        await eventually(lambda: asyncio.sleep(0, caplog.records))
        keeping.cancel()
        await asyncio.wait([keeping])
    ours = [each for each in caplog.records if each.name == mcp_words.__name__]
    return [JsonLines("toolrunner").format(each) for each in ours]


async def test_the_words_of_a_server_are_cleaned_lines_that_name_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pem = f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n{KEY}\n-----END RSA PRIVATE KEY-----"
    words = f"\x1b[31mpassword={PASSWORD}\x1b[0m\n{pem}\n{FORGED}\n"
    lines = await logged(caplog, words)
    found = [json.loads(line) for line in lines]
    assert {each["server"] for each in found} == {"shop"}
    assert {each["service"] for each in found} == {"toolrunner"}
    assert [each["message"] for each in found][-2:] == [f"it says: {FORGED}", "it says: last words"]
    assert not any(
        each in line for line in lines for each in (PASSWORD, KEY[:20], "\\u001b", "[31m")
    )


async def test_a_server_that_writes_without_end_is_told_in_few_short_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = await logged(caplog, "x" * 2_000 + "\n" + "y\n" * 100, 200)
    assert 0 < len(lines) < 10 * mcp_words.MOST_LINES
    assert max(map(len, lines)) < mcp_words.MOST_CHARACTERS + 200
    assert any("are left out" in line for line in lines)


def test_whoever_logs_words_from_outside_they_are_cleaned() -> None:
    try:
        raise RuntimeError(f"password={PASSWORD}")
    except RuntimeError:
        stack = sys.exc_info()
    record = logging.LogRecord(
        "mcp", logging.ERROR, "", 1, f"failed: password={PASSWORD}", None, stack
    )
    line = JsonLines("toolrunner").format(record)
    assert PASSWORD not in line
    found = json.loads(line)
    assert found["message"] == "failed: password=[secret:password]"
    assert "RuntimeError: password=[secret:password]" in found["error"]


def test_a_library_that_writes_its_log_itself_writes_it_as_ours() -> None:
    """FastMCP does: with a handler of its own, and stack traces as a block of lines."""
    code = """
import logging, sys
theirs = logging.getLogger("fastmcp")
theirs.addHandler(logging.StreamHandler())
theirs.propagate = False
from bus.logs import set_up_logging
set_up_logging("toolrunner", "INFO")
logging.getLogger("fastmcp.server").error("failed: password=%s", sys.argv[1])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, PASSWORD], capture_output=True, text=True, check=True
    )
    (line,) = ended.stderr.splitlines()
    assert json.loads(line)["message"] == "failed: password=[secret:password]"
