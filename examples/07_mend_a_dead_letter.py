"""You will see an entry that cannot be read set aside, listed, mended, and put back.

    .venv/bin/python examples/07_mend_a_dead_letter.py

What cannot be handled neither blocks a stream nor is lost: it is kept, with the reason. Of the
services only reasoner and notifier run, so the mended incident is opened and placed, no more.
"""

import json
import sys

from laptop import laptop, nightshift, say
from redis import Redis

from cli.stack import Plan, call

WRONG = {"service": "cartservice", "text": "HTTP 500 on checkout"}


def main() -> None:
    """One entry whose field has a wrong name."""
    plan = Plan(scenario="cart-loafers", services=("reasoner", "notifier"))
    with laptop(plan) as stack, Redis.from_url(stack.redis_url, decode_responses=True) as redis:

        def slack_shows(words: str) -> bool:
            return words in json.dumps(call(f"{stack.control}/_simulator/messages"))

        redis.xadd("nightshift:incidents", {"data": json.dumps(WRONG)})
        stack.wait("a notice in Slack", lambda: slack_shows("was set aside"))
        listed = nightshift("dead-letters", "list", "--json", redis_url=stack.redis_url)
        letter = json.loads(listed.stdout)
        say(f"set aside, and Slack was told: {letter['reason']}")

        # `replay` puts back as it was what can be read by now, say after an upgrade. Not this one.
        replay = ("dead-letters", "replay", letter["stream"], letter["id"])
        refused = nightshift(*replay, redis_url=stack.redis_url).returncode
        say(f"replay refused with exit code {refused}")

        values = json.loads(letter["fields"]["data"])
        values["summary"] = values.pop("text")
        entry_id = redis.xadd("nightshift:incidents", {"data": json.dumps(values)})
        stack.wait("the incident in Slack", lambda: slack_shows(f"inc-{entry_id}"))
        say(f"mended and put back: inc-{entry_id} stands in Slack")
        dead = f"nightshift:{letter['stream']}.dead"
        redis.xdel(dead, letter["id"])
        left = redis.xlen(dead)
    if refused != 4 or left:
        sys.exit(f"not as expected: replay ended with {refused}, {left} dead letters are left")
    say("no dead letter is left")


if __name__ == "__main__":
    main()
