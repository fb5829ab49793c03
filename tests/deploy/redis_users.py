"""A Redis with the users of the template, and what each of them may do there."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bus.connection import as_text
from bus.streams import STREAMS, Keys
from simulator.redis_server import free_port
from tests.deploy import redis_commands
from tests.waiting import until

FOLDER = Path(__file__).parents[2] / "deploy" / "k8s" / "base" / "redis"
TEMPLATE = FOLDER / "users.acl.template"
SERVICES = ("ingest", "reasoner", "toolrunner", "notifier")
USERS = (*SERVICES, "keda", "operator")
ADMIN = "test-admin"
"""A user of the tests' own, who may do everything; the template has none."""
NO_KEY = "(no key)"
PARTS = ("record", "transcript", "calls", "results", "slack", "feedback")
OTHERS = (
    *("deadlines", "generation", "catalogue:current", "catalogue:5eed", "spend:2026-11-30"),
    *("pace:anthropic:m", "prompt:5eed", "history:5eed", "rollouts", "rollouts:turn"),
    *("fingerprint:problem:5eed", "fingerprint:ready", "backlog", "places", "thread:C1:1.1"),
    *("details", "second-messages", "owed-cards", "told:1", "slack-pace:C1", "slack-line:C1"),
    *("slack-waited-for:C1", "printed:C1", "feedback", "anything-else"),
)


def password(user: str) -> str:
    """Its password in a test."""
    return f"{user}-of-tests-0123456789"


def rendered(passwords: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """What `render-users.sh` says of the template."""
    given = passwords or {f"{user.upper()}_PASSWORD": password(user) for user in USERS}
    return subprocess.run(
        ["/bin/sh", str(FOLDER / "render-users.sh"), str(TEMPLATE)],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )


def key_names(prefix: str) -> list[str]:
    """One name of every kind of key there is, and some that are nobody's."""
    keys = Keys(prefix)
    read = [stream for stream in STREAMS if stream.readers]
    groups = [(stream, reader.group) for stream in read for reader in stream.readers]
    return [
        *(keys.stream(stream) for stream in STREAMS),
        *(keys.dead(stream) for stream in read),
        *(keys.errors(stream, group) for stream, group in groups),
        *(keys.of("inc-1", part) for part in PARTS),
        *(prefix + name for name in OTHERS),
        "another:application",
        "nightshift",
    ]


@dataclass(frozen=True)
class Guarded:
    """A running Redis with those users."""

    port: int
    admin: "Redis"

    def url(self, user: str) -> str:
        """Its address for a user."""
        return f"redis://{user}:{password(user)}@127.0.0.1:{self.port}/0"

    def allowed(self, user: str) -> dict[str, list[str]]:
        """The commands that Redis would let that user run, by key."""
        tried = [(NO_KEY, name, words) for name, words in redis_commands.without_a_key()]
        for key in key_names("nightshift:"):
            tried += [(key, name, words) for name, words in redis_commands.on(key)]
        pipe: Any = self.admin.pipeline(transaction=False)
        for _, _, words in tried:
            pipe.execute_command("ACL DRYRUN", user, *words)
        answers: list[Any] = pipe.execute(raise_on_error=False)
        found: dict[str, list[str]] = {}
        for (key, name, words), answer in zip(tried, answers, strict=True):
            assert not isinstance(answer, Exception), f"{words}: {answer}"
            found.setdefault(key, []).extend([name] if as_text(answer) == "OK" else [])
        return found

    def refused(self) -> list[str]:
        """What was refused since the start, or since the log was emptied."""
        log: list[Any] = list(self.admin.acl_log())
        return [
            f"{as_text(row['username'])}: {as_text(row['reason'])} {as_text(row['object'])}"
            for row in log
        ]


@contextmanager
def guarded_redis(folder: Path) -> Iterator[Guarded]:
    """A Redis that has read the rendered template as its ACL file; it is gone after the block."""
    binary = shutil.which("redis-server")
    assert binary, "users with selectors need the machine's redis-server, 7.0 or newer"
    port, users = free_port(), folder / "users.acl"
    users.write_text(rendered().stdout + f"user {ADMIN} on >{password(ADMIN)} ~* &* +@all\n")
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    settings += ["--appendonly", "yes", "--aclfile", str(users), "--acllog-max-len", "1000"]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([binary, *settings], stdout=log, stderr=log)
    url = f"redis://{ADMIN}:{password(ADMIN)}@127.0.0.1:{port}/0"
    try:
        with Redis.from_url(url) as admin:
            _wait(admin, process, said=folder / "redis.log")
            yield Guarded(port, admin)
    finally:
        process.terminate()
        process.wait(10)


def as_table(allowed: dict[str, dict[str, list[str]]]) -> str:
    """Who may run what on which key, for people; what holds for every key is said once."""
    lines: list[str] = []
    for user, by_key in allowed.items():
        ours = [set(names) for key, names in by_key.items() if key.startswith("nightshift:")]
        everywhere = set.intersection(*ours)
        rows = {NO_KEY: by_key[NO_KEY], "nightshift:*": list(everywhere)}
        rows |= {
            key: [name for name in names if name not in everywhere]
            for key, names in by_key.items()
            if key != NO_KEY
        }
        lines += [user, *_rows(rows), ""]
    return "\n".join(lines).rstrip()


def _rows(by_key: dict[str, list[str]]) -> Iterator[str]:
    for key, names in by_key.items():
        if names:
            yield f"  {key:40} {' '.join(sorted(set(names)))}"


def _wait(admin: "Redis", process: "subprocess.Popen[bytes]", *, said: Path) -> None:
    def answers() -> bool:
        try:
            return bool(admin.ping())
        except RedisConnectionError:
            return False

    until(
        answers,
        seconds=10,
        what=lambda: said.read_text(errors="replace")[-500:],
        alive=lambda: process.poll() is None,
    )


def commands_of(template: str) -> Sequence[str]:
    """Every command that a rule of the template adds, each in small letters."""
    rules = [line for line in template.splitlines() if not line.lstrip().startswith("#")]
    words = " ".join(rules).replace("(", " ").replace(")", " ").split()
    return [word[1:] for word in words if word.startswith("+")]
