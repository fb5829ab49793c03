"""The planted bugs: a place in the code, what is put there instead, and the test that goes red."""

from tests.chaos.planted.bug import PlantedBug
from tests.chaos.planted.delivering import DELIVERING
from tests.chaos.planted.outside import OUTSIDE
from tests.chaos.planted.pacing import PACING
from tests.chaos.planted.second_messages import SECOND_MESSAGES

BUGS = (
    *DELIVERING,
    *OUTSIDE,
    *SECOND_MESSAGES,
    *PACING,
    PlantedBug(
        name="acknowledge before the commit",
        file="bus/commits.py",
        old="            if commit is not None and await self.commit(record, commit, entry=entry):",
        new="            if entry is not None:\n"
        "                await self.acknowledge(entry)\n"
        "            if commit is not None and await self.commit(record, commit, entry=entry):",
        test="tests/bus/test_full_redis.py::test_a_commit_that_is_refused_leaves_its_entry_pending",
    ),
    PlantedBug(
        name="no effect on a record that was read long ago is final",
        file="bus/commits.py",
        old="            if commit is None and known is None:",
        new="            if commit is None:",
        test="tests/bus/test_commits.py"
        "::test_no_effect_on_a_known_record_is_decided_again_before_the_entry_is_acknowledged",
    ),
    PlantedBug(
        name="no version check",
        file="bus/scripts/commit.lua",
        old="if version ~= ARGV[1] then return 0 end",
        new="if not version then return 0 end",
        test="tests/bus/test_commits.py::test_two_hundred_racing_decisions_all_take_effect_once",
    ),
    PlantedBug(
        name="acknowledge on a stale version",
        file="bus/scripts/commit.lua",
        old="if version ~= ARGV[1] then return 0 end",
        new="if version ~= ARGV[1] then\n"
        "  if ARGV[7] ~= '' then redis.call('XACK', KEYS[7], ARGV[7], ARGV[8]) end\n"
        "  return 0\n"
        "end",
        test="tests/bus/test_commits.py::"
        "test_stale_decision_is_taken_again_and_acknowledges_nothing_before",
    ),
    PlantedBug(
        name="group created at $",
        file="bus/broker.py",
        old='id="0", mkstream=True',
        new='id="$", mkstream=True',
        test="tests/bus/test_delivery.py::"
        "test_entries_published_before_the_first_start_are_handled",
    ),
    PlantedBug(
        name="a replica takes everything that waits",
        file="bus/broker.py",
        old="max_records=None if min_idle_ms else 1,",
        new="max_records=None,",
        test="tests/bus/test_fair_shares.py::"
        "test_no_replica_takes_more_of_what_waited_than_it_has_workers_for",
    ),
    PlantedBug(
        name="a stop lets run what is in flight",
        file="bus/delivery.py",
        old='            task.cancel("stopped")',
        new='            log.debug("not stopped: %s", task)',
        test="tests/chaos/test_stops.py::"
        "test_stop_raced_against_turns_leaves_no_work_one_card_and_one_signal",
    ),
    PlantedBug(
        name="closing needs memory that a full Redis has not",
        file="bus/scripts/commit.lua",
        old="if ARGV[11] == '1' then redis.call('EXPIRE', KEYS[1], ARGV[6]) end",
        new="",
        test="tests/bus/test_full_redis.py::"
        "test_an_open_investigation_reaches_its_end_when_redis_is_full",
    ),
    PlantedBug(
        name="join by counting events",
        file="services/reasoner/investigation.py",
        old="if call.tool_call_id == finished.tool_call_id\n",
        new="if call.tool_call_id == record.open_calls[0]\n",
        test="tests/reasoner/test_investigation.py::"
        "test_only_the_last_result_makes_the_next_turn_due",
    ),
    PlantedBug(
        name="a result is accepted for a closed call",
        file="services/reasoner/investigation.py",
        old=" or finished.tool_call_id not in record.open_calls:",
        new=":",
        test="tests/reasoner/test_investigation.py::"
        "test_only_the_last_result_makes_the_next_turn_due",
    ),
    PlantedBug(
        name="a reply is committed to a turn that is no longer due",
        file="services/reasoner/investigation.py",
        old='return record.state == "turn_due" and record.turn == turn',
        new='return record.state != "ended"',
        test="tests/reasoner/test_investigation.py::"
        "test_a_reply_to_a_turn_that_is_not_due_has_no_effect",
    ),
    PlantedBug(
        name="a stored result does not keep the tool from being called again",
        file="bus/scripts/start_call.lua",
        old="if redis.call('HEXISTS', KEYS[3], ARGV[1] .. ':whole') == 1 then return 'stored' end",
        new="",
        test="tests/toolrunner/test_tool_calls.py::"
        "test_a_redelivered_call_gives_the_stored_result_again",
    ),
    PlantedBug(
        name="a call that was started before counts as the first",
        file="bus/scripts/start_call.lua",
        old="return 'started before'",
        new="return 'first'",
        test="tests/toolrunner/test_repeats.py::"
        "test_a_started_call_that_may_change_something_is_never_made_again",
    ),
    PlantedBug(
        name="an owner does not know its own start again",
        file="bus/scripts/start_call.lua",
        old="if stands and stands ~= ARGV[2] then",
        new="if stands then",
        test="tests/toolrunner/test_repeats.py::"
        "test_a_call_whose_recorded_start_was_not_answered_is_made_once",
    ),
    PlantedBug(
        name="a tool that may change something is called again after a lost connection",
        file="services/toolrunner/adapters/mcp_connection.py",
        old="if departure.left and not read_only:\n                raise self._unknown(f",
        new="if False:\n                raise self._unknown(f",
        test="tests/toolrunner/test_repeats.py::"
        "test_a_call_whose_connection_breaks_is_made_again_only_if_it_reads",
    ),
    PlantedBug(
        name="a session is closed under the calls that share it",
        file="services/toolrunner/adapters/mcp_connection.py",
        old="                await session.unused()\n",
        new="",
        test="tests/toolrunner/test_shared_sessions.py::"
        "test_calls_beside_one_that_ends_early_are_sent_once_and_answered",
    ),
    PlantedBug(
        name="an unused connection is kept for as long as servers keep it",
        file="services/toolrunner/adapters/mcp_http.py",
        old="limits=httpx2.Limits(keepalive_expiry=KEPT_SECONDS)",
        new="limits=httpx2.Limits(keepalive_expiry=5.0)",
        test="tests/toolrunner/test_shared_sessions.py::"
        "test_a_connection_that_lay_unused_is_not_used_again",
    ),
    PlantedBug(
        name="a server that says nothing is taken to read only",
        file="services/toolrunner/pins.py",
        old='read_only=(told.annotations or {}).get("readOnlyHint") is True',
        new='read_only=(told.annotations or {}).get("readOnlyHint") is not False',
        test="tests/toolrunner/test_repeats.py::"
        "test_a_started_call_that_may_change_something_is_never_made_again",
    ),
    PlantedBug(
        name="a call that was closed is made",
        file="bus/scripts/start_call.lua",
        old="if not open then return 'closed' end",
        new="",
        test="tests/toolrunner/test_tool_calls.py::test_a_call_that_is_not_open_is_not_made",
    ),
    PlantedBug(
        name="marked as posted before Slack answered",
        file="services/notifier/adapters/scripts/take.lua",
        old="redis.call('HSET', KEYS[1], 'state', 'posting') end",
        new="redis.call('HSET', KEYS[1], 'state', 'posted') end",
        test="tests/notifier/test_one_message.py::"
        "test_message_sent_by_a_writer_that_died_before_storing_is_adopted",
    ),
    PlantedBug(
        name="sent again without the history look-up",
        file="services/notifier/message.py",
        old='if place is None and turn.state == "posting":',
        new='if place is None and turn.state == "never":',
        test="tests/notifier/test_one_message.py::"
        "test_unanswered_post_is_looked_up_before_the_next_one",
    ),
    PlantedBug(
        name="a deleted message is replaced without a word about it before",
        file="services/notifier/message.py",
        old="        await self.places.replaced(inv, turn, place=place, beside=stands)\n",
        new="",
        test="tests/notifier/test_second_message.py::"
        "test_unanswered_second_post_at_the_end_is_looked_up_before_the_next_one",
    ),
    PlantedBug(
        name="a message that cannot be edited counts as deleted",
        file="services/notifier/adapters/slack_words.py",
        old='GONE = {"message_not_found"}',
        new='GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}',
        test="tests/notifier/test_second_message.py::"
        "test_message_that_cannot_be_edited_stays_alone_while_the_work_goes_on",
    ),
    PlantedBug(
        name="a look-up that fails counts as nothing found",
        file="services/notifier/adapters/slack.py",
        old="except NotAllowed:",
        new="except Unavailable:",
        test="tests/notifier/test_second_message.py::"
        "test_look_up_that_fails_is_tried_again_and_never_ends_in_a_second_post",
    ),
    PlantedBug(
        name="progress after the final card",
        file="services/notifier/adapters/scripts/take.lua",
        old="if state == 'final' or (has.newest and ARGV[5] < has.newest)",
        new="if (has.newest and ARGV[5] < has.newest)",
        test="tests/notifier/test_progress.py::test_progress_after_the_final_card_gets_no_turn",
    ),
    PlantedBug(
        name="a late edit over the final card is left there",
        file="services/notifier/message.py",
        old='if settled == "covered":',
        new='if settled == "never":',
        test="tests/notifier/test_closing.py::"
        "test_edit_that_arrives_after_all_else_is_written_over_by_its_writer",
    ),
    PlantedBug(
        name="a detail is sent again without a look into the thread",
        file="services/notifier/thread.py",
        old='if turn.unsure else ""',
        new='if turn.key == "" else ""',
        test="tests/notifier/test_thread.py::"
        "test_successor_finds_what_a_dead_writer_may_have_written",
    ),
    PlantedBug(
        name="a detail that stands twice is left there",
        file="services/notifier/adapters/scripts/end_detail.lua",
        old="elseif has[2] ~= ARGV[4] then doubt(0) end",
        new="end",
        test="tests/notifier/test_thread.py::test_detail_of_a_late_writer_is_taken_back",
    ),
    PlantedBug(
        name="retries of the model's SDK are on",
        file="services/reasoner/adapters/clients.py",
        old='"max_retries": 0,',
        new='"max_retries": 2,',
        test="tests/reasoner/test_outages.py::"
        "test_a_retry_after_that_does_not_fit_hands_the_turn_back_and_spends_nothing",
    ),
    PlantedBug(
        name="a message leaves the queue before its entry is on disk",
        file="services/ingest/intake.py",
        old="0.0 if durable else EVERYSEC_SECONDS",
        new="0.0",
        test="tests/ingest/test_service.py::"
        "test_an_entry_is_deleted_from_the_queue_only_after_it_is_on_disk",
    ),
    PlantedBug(
        name="trimmed by length, not by what is acknowledged",
        file="bus/scripts/trim.lua",
        old="'MINID', from)",
        new="'MAXLEN', 2)",
        test="tests/bus/test_janitor.py::test_pending_entries_of_either_group_survive",
    ),
    PlantedBug(
        name="a new connection is used without a look at the store",
        file="bus/connection.py",
        old="        redis_connect_func=on_connect,\n",
        new="",
        test="tests/bus/test_generation.py::test_a_loss_is_seen_before_a_new_connection_is_used",
    ),
    PlantedBug(
        name="a record of another major version is read",
        file="bus/record.py",
        old="if Version.of(written).major != HERE.major:",
        new="if not written:",
        test="tests/bus/test_record.py::"
        "test_record_of_another_major_version_is_for_another_release",
    ),
    PlantedBug(
        name="a replay leaves its dead letter",
        file="cli/replay.lua",
        old="redis.call('XDEL', KEYS[1], ARGV[1])\n",
        new="",
        test="tests/cli/test_dead_letters.py::test_many_replays_at_once_write_one_entry",
    ),
)
