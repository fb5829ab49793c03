"""Planted bugs in what becomes of a Slack message that is one too many."""

from tests.chaos.planted.bug import PlantedBug

SECOND_MESSAGES = (
    PlantedBug(
        name="a second message is forgotten although Slack failed",
        file="services/notifier/second_messages.py",
        old="if owed.seconds < GIVEN_UP_AFTER_SECONDS:",
        new="if owed.seconds < 0:",
        test="tests/notifier/test_taking_back.py::"
        "test_late_post_is_taken_back_although_the_first_try_at_that_fails",
    ),
    PlantedBug(
        name="a second message is known to its writer alone",
        file="services/notifier/adapters/scripts/finish.lua",
        old="  redis.call('ZADD', KEYS[4], 'NX', number(now + ARGV[6]), ARGV[2])\n",
        new="",
        test="tests/notifier/test_taking_back.py::"
        "test_writer_that_dies_right_after_the_stop_signal_leaves_no_second_message",
    ),
    PlantedBug(
        name="a message that is about to be deleted is adopted",
        file="services/notifier/adapters/scripts/settle.lua",
        old="'left', (has[6] and has[6] .. ' ' or '') .. ARGV[4])",
        new="'left', has[6] or '')",
        test="tests/notifier/test_taking_back.py::test_orphan_is_never_adopted_as_the_message",
    ),
    PlantedBug(
        name="a settled doubt does not come up again",
        file="services/notifier/adapters/scripts/settle.lua",
        old="  if has[3] == 'final' then owe() end\n",
        new="",
        test="tests/notifier/test_taking_back.py::"
        "test_late_post_that_nobody_saw_answered_is_found_after_all_was_in_order",
    ),
    PlantedBug(
        name="who is cancelled tells nobody what it has written",
        file="services/notifier/message.py",
        old="return await asyncio.shield(task)",
        new="return await task",
        test="tests/notifier/test_late_posts.py::"
        "test_post_of_a_writer_that_is_cancelled_after_slacks_answer_is_taken_back",
    ),
    PlantedBug(
        name="a doubtful post is looked for once",
        file="services/notifier/second_messages.py",
        old="if owed.doubt and owed.young_seconds:",
        new="if owed.seconds < 0:",
        test="tests/notifier/test_late_posts.py::"
        "test_post_that_comes_in_after_it_was_looked_for_at_the_end_is_found_a_lease_later",
    ),
    PlantedBug(
        name="a look-up settles a doubt that arose after it",
        file="services/notifier/adapters/scripts/forget.lua",
        old="has[2] .. ':' .. (has[4] or '') ~= ARGV[3]",
        new="has[2] ~= string.match(ARGV[3], '^[^:]*')",
        test="tests/notifier/test_late_posts.py::"
        "test_look_up_that_began_before_a_doubt_arose_does_not_settle_it",
    ),
    PlantedBug(
        name="the first final card hides the message that was stored before it",
        file="services/notifier/adapters/scripts/finish.lua",
        old="if has[4] and has[4] ~= ARGV[4] then",
        new="if not first and has[4] ~= ARGV[4] then",
        test="tests/notifier/test_late_posts.py::"
        "test_message_that_was_stored_while_the_final_card_was_posted_is_known_as_the_second",
    ),
    PlantedBug(
        name="who lost its turn says nothing of what it wrote",
        file="services/notifier/adapters/scripts/settle.lua",
        old="local mine = has[1] == ARGV[1]",
        new="local mine = has[1] == ARGV[1]\nif not mine then return 'over' end",
        test="tests/chaos/test_drowsy_notifier.py",
    ),
)
