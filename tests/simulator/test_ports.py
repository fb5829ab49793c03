"""Ports for processes that listen later: nobody is given one that another was promised."""

import subprocess
import sys

import simulator.redis_server as ports

DRAW = """
import simulator.redis_server as ports
ports.PORTS = range({first}, {last})
print(ports.free_port())
input()
"""


def test_a_port_is_given_once_even_to_another_process() -> None:
    given = sorted({ports.free_port() for _ in range(200)})
    assert len(given) == 200
    script = DRAW.format(first=given[0], last=given[0] + 5)
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    said, _ = other.communicate(b"\n", timeout=9)
    assert int(said) in range(given[0], given[0] + 5)
    assert int(said) not in given
