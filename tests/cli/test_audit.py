"""`nightshift audit verify`: an audit that was looked for in the wrong place is not whole."""

import asyncio
from functools import partial

from typer.testing import CliRunner

from cli.main import app
from tests.conftest import MakeBus


async def test_no_entry_at_all_is_an_error_that_says_where_it_looked_unless_allowed(
    make_bus: MakeBus,
) -> None:
    bus = make_bus("toolrunner")
    url = bus.settings.redis_url.get_secret_value()

    given = {"REDIS_URL": url, "NIGHTSHIFT_STREAM_PREFIX": "elsewhere:", "COLUMNS": "200"}
    verify = partial(CliRunner(env=given).invoke, app)
    ended = await asyncio.to_thread(verify, ["audit", "verify"])
    allowed = await asyncio.to_thread(verify, ["audit", "verify", "--allow-empty"])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "no entry stands in elsewhere:audit" in ended.stderr
    assert "NIGHTSHIFT_STREAM_PREFIX" in ended.stderr
    assert (allowed.exit_code, allowed.stdout) == (0, "the audit is whole: 0 entries in 0 chains\n")
