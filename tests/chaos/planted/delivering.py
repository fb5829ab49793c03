"""The planted bugs of deliveries: leases, caps, and what is handled beside what."""

from tests.chaos.planted.bug import PlantedBug

DELIVERING = (
    PlantedBug(
        name="unguarded renewal",
        file="bus/scripts/renew.lua",
        old="if row[2] ~= ARGV[2] then return {'taken', row[4]} end",
        new="",
        test="tests/bus/test_lease.py::test_renewal_of_a_woken_owner_does_not_steal_the_entry_back",
    ),
    PlantedBug(
        name="a handler goes on although its entry was finished elsewhere",
        file="bus/lease.py",
        old='if word != "ours" and not entry.acknowledged and place in self.running:',
        new='if word == "taken" and place in self.running:',
        test="tests/bus/test_lease.py::"
        "test_handler_stops_when_its_entry_was_finished_by_another_owner",
    ),
    PlantedBug(
        name="an outage counts as an error of the entry",
        file="bus/delivery.py",
        old="if isinstance(error, Unavailable) or _redis_is_unwell(error):",
        new="if _redis_is_unwell(error):",
        test="tests/bus/test_dead_letters.py::test_outage_is_counted_against_nothing",
    ),
    PlantedBug(
        name="no cap on deliveries",
        file="bus/delivery.py",
        old="judged = entry.delivery_count > MAX_DELIVERIES and",
        new="judged = entry.delivery_count > 100 * MAX_DELIVERIES and",
        test="tests/bus/test_dead_letters.py::"
        "test_entry_whose_owners_keep_dying_is_set_aside_after_six_deliveries",
    ),
    PlantedBug(
        name="what kills its process takes all beside it to the cap",
        file="bus/room.py",
        old="len(suspects) >= min([limit, *suspects, *left])",
        new="len(suspects) >= 1000",
        test="tests/bus/test_suspects.py::test_what_may_kill_its_process_takes_few_with_it",
    ),
    PlantedBug(
        name="laxer entries begin beside one that has lost nearly all its owners",
        file="bus/room.py",
        old="min([limit, *suspects, *left])",
        new="min([limit, *left])",
        test="tests/bus/test_suspects.py::test_strictest_of_those_that_run_counts_for_all",
    ),
    PlantedBug(
        name="laxer entries take the room that a stricter one was refused",
        file="bus/room.py",
        old="min([limit, *suspects, *left])",
        new="min([limit, *suspects])",
        test="tests/bus/test_suspects.py::"
        "test_suspect_that_needs_more_room_gets_it_before_others_take_it",
    ),
    PlantedBug(
        name="a last chance begins beside others",
        file="bus/room.py",
        old="while len(self._handled) > 1:",
        new="while len(self._handled) > 1000:",
        test="tests/bus/test_suspects.py::"
        "test_last_chance_is_alone_among_all_streams_of_its_process",
    ),
    PlantedBug(
        name="others begin beside a last chance",
        file="bus/room.py",
        old="if min(suspects, default=2) <= 1 or crowded or others_first:",
        new="if crowded or others_first:",
        test="tests/bus/test_suspects.py::"
        "test_last_chance_is_alone_among_all_streams_of_its_process",
    ),
    PlantedBug(
        name="a backlog is turned over while a last chance is alone",
        file="bus/delivery.py",
        old="            await asyncio.sleep(self.room.seconds)",
        new="            await asyncio.sleep(0)",
        test="tests/bus/test_suspects.py::"
        "test_waiting_for_a_last_chance_does_not_turn_a_backlog_over",
    ),
    PlantedBug(
        name="set aside for owners that died of something beside it",
        file="bus/delivery.py",
        old="if judged and await died_alone(entry, lease_seconds=lease):",
        new="if judged:",
        test="tests/bus/test_suspects.py::"
        "test_entry_that_lost_its_owners_beside_others_is_not_set_aside_but_tried_alone",
    ),
    PlantedBug(
        name="a last chance is blamed by who was cut off from Redis itself",
        file="bus/delivery.py",
        old="MAX_DELIVERIES and not self.bus.store.was_cut_off()",
        new="MAX_DELIVERIES",
        test="tests/bus/test_last_chances.py::"
        "test_last_chance_is_not_blamed_by_who_was_cut_off_from_redis_too",
    ),
    PlantedBug(
        name="a last chance that was handed over counts as a death alone",
        file="bus/scripts/renew.lua",
        old="redis.call('HDEL', KEYS[2], ARGV[6])",
        new="",
        test="tests/bus/test_last_chances.py::"
        "test_last_chance_that_a_stopped_replica_handed_over_is_tried_again",
    ),
    PlantedBug(
        name="a last chance is lost in an outage of Redis",
        file="bus/dead_letter.py",
        old='return int(server["uptime_in_seconds"]) >= lease_seconds',
        new="return bool(server)",
        test="tests/bus/test_last_chances.py::"
        "test_last_chance_that_redis_left_without_its_lease_is_tried_again",
    ),
    PlantedBug(
        name="last chances come before all else",
        file="bus/room.py",
        old="limit <= 1 and loop.time() < self._next_alone_at",
        new="False",
        test="tests/bus/test_last_chances.py::test_others_get_in_between_two_last_chances",
    ),
    PlantedBug(
        name="what was handed back is handed back again",
        file="bus/lease.py",
        old="after_seconds)\n        await self._set(entry, idle_seconds=idle, to=NOBODY)",
        new="after_seconds)\n        await self._set(entry, idle_seconds=idle, to=self.consumer)",
        test="tests/bus/test_last_chances.py::"
        "test_delivery_that_was_handed_back_is_not_uncounted_again",
    ),
    PlantedBug(
        name="work that cancelled itself counts as done",
        file="bus/delivery.py",
        old="            if not task.cancelling():\n",
        new="            if task.cancelling():\n",
        test="tests/bus/test_delivery.py::test_handler_that_cancels_itself_has_not_done_its_work",
    ),
    PlantedBug(
        name="a busy Redis counts against the entry",
        file="bus/delivery.py",
        old="|NOREPLICAS|BUSY|",
        new="|NOREPLICAS|",
        test="tests/bus/test_unwell.py::test_what_redis_suffers_from_is_counted_against_no_entry",
    ),
    PlantedBug(
        name="a lease outlasts the machine's sleep",
        file="bus/envelope.py",
        old='getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)',
        new="time.CLOCK_MONOTONIC",
        test="tests/bus/test_lease.py::test_lease_runs_out_while_its_machine_sleeps",
    ),
    PlantedBug(
        name="an outage of Redis counts as a death of the owner",
        file="bus/delivery.py",
        old="            self.leases.owe(entry)\n",
        new="",
        test="tests/bus/test_lease.py::"
        "test_redis_that_goes_away_during_the_work_is_counted_against_nobody",
    ),
    PlantedBug(
        name="SIGTERM cuts off what could have been finished",
        file="bus/broker.py",
        old="graceful_timeout=settings.drain_seconds,",
        new="graceful_timeout=0.01,",
        test="tests/chaos/test_rolling_restarts.py::"
        "test_incidents_go_on_while_every_service_is_restarted",
    ),
)
