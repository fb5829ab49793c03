"""Planted bugs in how fast Slack is called, and in who goes first."""

from tests.chaos.planted.bug import PlantedBug

PACING = (
    PlantedBug(
        name="every call of Slack is as urgent as every other",
        file="services/notifier/adapters/redis_pace.py",
        old="who, rank(urgency), ",
        new="who, 0, ",
        test="tests/notifier/test_pace.py::"
        "test_more_urgent_call_goes_first_whoever_asked_before_and_wherever",
    ),
    PlantedBug(
        name="a request to wait is kept to itself",
        file="services/notifier/adapters/scripts/closed.lua",
        old="'closed_until', number(till), ",
        new="",
        test="tests/notifier/test_slack_channel.py::"
        "test_wait_that_one_replica_is_asked_for_is_kept_by_the_other",
    ),
    PlantedBug(
        name="who died in the line is waited for",
        file="services/notifier/adapters/scripts/leave.lua",
        old="  redis.call('ZREM', KEYS[2], gone)\n",
        new="",
        test="tests/notifier/test_pace.py::test_waiter_that_does_not_come_back_is_not_waited_for",
    ),
    PlantedBug(
        name="Slack is called as fast as work comes",
        file="services/notifier/adapters/slack_calls.py",
        old="wait = await self.pace.ask(method, channel, urgency=urgency, waiter=waiter)",
        new="wait = 0.0",
        test="tests/notifier/test_finishing_at_once.py",
    ),
    PlantedBug(
        name="an answer without a place counts as one",
        file="services/notifier/adapters/slack.py",
        old="if not (isinstance(at, str) and at and isinstance(ts, str) and ts):",
        new="if not answer:",
        test="tests/notifier/test_slack_channel.py::"
        "test_answer_that_is_none_of_slacks_leaves_the_post_unknown",
    ),
)
