"""The demo is run once for these tests and those of the commands."""

from tests.cli.conftest import demo_run as demo_run
from tests.cli.conftest import port_lock as port_lock
from tests.cli.conftest import shared_folder as shared_folder
