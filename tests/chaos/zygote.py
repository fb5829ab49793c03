"""A process from which replicas are forked: `python -m tests.chaos.zygote MODULE [ALSO ...]`.

This is the harness's, not the product's. Importing a service costs seconds of CPU, too much where
a process dies every other second. So one process imports what `MODULE.__main__` imports, and
nothing else happens in it: no event loop, no thread, no connection. For each line on its input it
forks a child, which gets the environment, the output file and a session of its own and then runs
the very `MODULE.__main__`. Each start and each end of a child is a line on its output. When its
input ends, so do its children.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import sys
from collections.abc import Mapping

Order = dict[str, object]


def main() -> None:
    """Fork children until the input ends; in a child: be the module."""
    module, *also = sys.argv[1:]
    _prepare(module, also)
    order = _serve()
    if order is not None:
        _become(module, order)


def _prepare(module: str, also: list[str]) -> None:
    for name in (f"{module}.__main__", *also):
        importlib.import_module(name)
    del sys.modules[f"{module}.__main__"]
    threads = os.listdir("/proc/self/task")
    if len(threads) > 1:
        sys.exit(f"importing {module} started threads: a fork would lose them")
    gc.collect()
    gc.freeze()


def _serve() -> Order | None:
    """What to be, in a child; None in the zygote itself, once its input ended."""
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    children: dict[int, str] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        waiting = b""
        _say({"ready": True})
        while True:
            readable = {key.fd for key, _ in selector.select()}
            if woken in readable:
                os.read(woken, 4096)
                _reap(children)
            if 0 not in readable:
                continue
            got = os.read(0, 65536)
            if not got:
                _end(children)
                return None
            *lines, waiting = (waiting + got).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if _fork(str(order["name"]), children) == 0:
                    return _reset(order, (woken, wakes))


def _fork(name: str, children: dict[int, str]) -> int:
    pid = os.fork()
    if pid:
        children[pid] = name
        _say({"started": name, "pid": pid})
    return pid


def _reset(order: Order, pipe: tuple[int, int]) -> Order:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in pipe:
        os.close(number)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(str(order["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
    return order


def _become(module: str, order: Order) -> None:
    environment, arguments = order["env"], order["args"]
    if not isinstance(environment, Mapping) or not isinstance(arguments, list):
        sys.exit("an order holds an environment and arguments")
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _reap(children: dict[int, str]) -> None:
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            _say({"ended": children.pop(pid), "code": code})


def _end(children: dict[int, str]) -> None:
    """Every child has ended, frozen ones too."""
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)


def _say(fact: Mapping[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(fact).encode() + b"\n")


if __name__ == "__main__":
    main()
