"""The rules by which hypothesis draws schedules.

What a schedule finds depends on how it is drawn. So single steps are likely, half of the schedules
know no deadline and no stop (they end everything and so hide what was lost), and some begin with
several results of one turn about to be committed against one version.
"""

from datetime import UTC, datetime
from typing import get_args

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)

from bus.events import (
    Alarm,
    AlarmJoined,
    AlarmRecovered,
    InvestigationId,
    RecoveryPolicy,
    ToolCallFinished,
)
from tests.chaos.schedules.cast import LASTS_SECONDS
from tests.chaos.schedules.gate import Letting
from tests.chaos.schedules.play import OPENINGS, Play
from tests.chaos.schedules.world import Ending

STEPS = 45
ANSWERS = (
    *(f"calls {count}" for count in (1, 2, 2, 3, 3, 4, 5, 6)),
    *("submit", "submit", "submit unproven", "words", "pause", "cut short", "unknown tool"),
    *("down", "cut off", "refusal", "no"),
)
CONCLUDE_AHEAD = int(LASTS_SECONDS * 4 / 5) + 10
DEADLINE_AHEAD = int(LASTS_SECONDS) + 10
CONCLUDE_AFTER, DEADLINE_AFTER = 60, 120
"""Steps of tasks before which the clock does not pass: else it would end everything too soon."""
NUMBERS = st.integers(0, 59)
"""Whoever is meant: the number modulo how many there are."""
SAYS = st.sampled_from(ANSWERS)


class Schedules(Play):
    """The rules: everything that a schedule may do next."""

    @initialize(
        incidents=st.integers(1, 2),
        hurried=st.booleans(),
        opening=st.sampled_from(OPENINGS),
        ending=st.sampled_from(get_args(Ending)),
    )
    def begin(self, incidents: int, hurried: bool, *, opening: str, ending: Ending) -> None:
        """Incidents are written, and perhaps a race is under way already."""
        self.hurried, self.ending = hurried, ending
        self._open(incidents, opening)

    # Deliveries.

    @precondition(lambda self: self.world.unread())
    @rule(which=NUMBERS, whom=NUMBERS)
    def deliver(self, which: int, whom: int) -> None:
        """A new entry goes to a process."""
        self._deliver(which, whom)

    @precondition(lambda self: self.world.unread())
    @rule(which=NUMBERS, whom=NUMBERS, said=SAYS)
    def deliver_and_finish(self, which: int, whom: int, said: str) -> None:
        """A new entry goes to a process that handles it in peace."""
        task = self._deliver(which, whom)
        task.said = said
        self.world.run(self.world.finish(task))

    @precondition(lambda self: self.world.unread())
    @rule(which=NUMBERS, whom=NUMBERS, said=SAYS)
    def deliver_to_the_brink(self, which: int, whom: int, said: str) -> None:
        """A new entry goes to a process that comes as far as its first write."""
        task = self._deliver(which, whom)
        task.said = said
        self.world.run(self.world.to_the_brink(task))

    @precondition(lambda self: self.spared["over"] and self.world.pending())
    @rule(which=NUMBERS, whom=NUMBERS)
    def take_over(self, which: int, whom: int) -> None:
        """A pending entry goes to another process; its owner is dead, or slow and goes on."""
        self.spared["over"] -= 1
        pending = self.world.pending()
        entry = pending[which % len(pending)]
        processes = self.world.of(entry.group[1])
        self.world.run(self.world.take_over(entry, processes[whom % len(processes)]))

    @precondition(lambda self: self.spared["overtake"] and self.world.holding())
    @rule(who=NUMBERS, whom=NUMBERS, said=SAYS)
    def overtake(self, who: int, whom: int, said: str) -> None:
        """An entry is taken over from a process that slept, and done when that one wakes up."""
        self.spared["overtake"] -= 1
        holding = self.world.holding()
        slow, entry = holding[who % len(holding)]
        others = [p for p in self.world.of(entry.group[1]) if p.name != slow.owner]
        if slow.at is not None and slow.at.name == "renew":
            self.world.run(self.world.step(slow))  # it has seen that the entry is its own
        task = self.world.run(self.world.take_over(entry, others[whom % len(others)]))
        slow.said = task.said = said
        self.world.run(self.world.finish(task))
        self.world.run(self.world.finish(slow))

    # Steps.

    @precondition(lambda self: self.world.tasks)
    @rule(who=NUMBERS, said=SAYS)
    def one_step(self, who: int, said: str) -> None:
        """One task takes one step."""
        self.world.run(self.world.step(self._task(who, said)))

    @precondition(lambda self: self.world.tasks)
    @rule(who=NUMBERS, said=SAYS)
    def another_step(self, who: int, said: str) -> None:
        """The same: single steps are where races are found."""
        self.world.run(self.world.step(self._task(who, said)))

    @precondition(lambda self: self.world.tasks)
    @rule(who=NUMBERS, said=SAYS)
    def go_to_the_brink(self, who: int, said: str) -> None:
        """One task goes on until it is about to write."""
        self.world.run(self.world.to_the_brink(self._task(who, said)))

    @precondition(lambda self: self.world.tasks)
    @rule(who=NUMBERS, said=SAYS)
    def finish(self, who: int, said: str) -> None:
        """One task goes on to its end."""
        self.world.run(self.world.finish(self._task(who, said)))

    @precondition(lambda self: self.world.tasks and self.spared["broken"])
    @rule(who=NUMBERS, said=SAYS, how=st.sampled_from(("twice", "reply lost", "not sent")))
    def lose_a_reply(self, who: int, said: str, how: Letting) -> None:
        """One task takes a step over a connection that breaks."""
        self.spared["broken"] -= 1
        self.world.run(self.world.step(self._task(who, said), how))

    # Deaths and doubles.

    @precondition(lambda self: self.world.tasks and self.spared["kill"])
    @rule(whom=NUMBERS)
    def kill(self, whom: int) -> None:
        """A process dies with everything that it is doing."""
        self.spared["kill"] -= 1
        owner = self.world.tasks[whom % len(self.world.tasks)].owner
        for process in [process for process in self.world.processes if process.name == owner]:
            self.world.kill(process)

    @precondition(lambda self: self.spared["incident again"])
    @rule(which=NUMBERS)
    def write_an_incident_again(self, which: int) -> None:
        """The same incident comes twice."""
        self.spared["incident again"] -= 1
        self._write_incident(self._investigation(which))

    @precondition(
        lambda self: self.world.survey.entries["tool-results"] and self.spared["result again"]
    )
    @rule(which=NUMBERS, contrary=st.booleans())
    def write_a_result_again(self, which: int, contrary: bool) -> None:
        """The same result comes twice, perhaps once as stored and once as set aside."""
        self.spared["result again"] -= 1
        results = self.world.survey.entries["tool-results"]
        values = results[which % len(results)].values
        if contrary:
            values = values | {"ok": not values["ok"], "error": "the call could not be made"}
        self.world.publish(ToolCallFinished.model_validate(values))

    @precondition(lambda self: self.spared["update"] and not self.world.gate.ahead)
    @rule(which=NUMBERS)
    def join_an_alarm(self, which: int) -> None:
        """Another alarm of the same problem."""
        self.spared["update"] -= 1
        inv = InvestigationId(self._investigation(which))
        self.world.publish(AlarmJoined(investigation_id=inv, alarm=Alarm(name="frontend")))

    @precondition(lambda self: self.hurried and self.spared["update"] and not self.world.gate.ahead)
    @rule(which=NUMBERS, policy=st.sampled_from(("continue", "finish small", "stop")))
    def recover(self, which: int, policy: RecoveryPolicy) -> None:
        """The alarm goes back to OK."""
        self.spared["update"] -= 1
        self.world.publish(
            AlarmRecovered(
                investigation_id=InvestigationId(self._investigation(which)),
                alarm_name="frontend",
                recovered_at=datetime(2026, 11, 24, tzinfo=UTC),
                policy=policy,
            )
        )

    # Time and stops.

    @precondition(lambda self: self.world.gate.ahead and self.spared["sweep"])
    @rule(whom=NUMBERS)
    def sweep(self, whom: int) -> None:
        """A notifier looks at what is due."""
        self.spared["sweep"] -= 1
        notifiers = self.world.of("notifier")
        self.world.run(self.world.sweep(notifiers[whom % len(notifiers)]))

    @precondition(lambda self: self._may_pass(0, CONCLUDE_AFTER))
    @rule()
    def pass_the_conclude_point(self) -> None:
        """By the clock of Redis, every investigation has to conclude."""
        self.world.witness.tell("the clock", "passes the conclude point")
        self.world.gate.ahead = CONCLUDE_AHEAD

    @precondition(lambda self: self._may_pass(CONCLUDE_AHEAD, DEADLINE_AFTER))
    @rule()
    def pass_the_deadline(self) -> None:
        """By the clock of Redis, every investigation is over."""
        self.world.witness.tell("the clock", "passes the deadline")
        self.world.gate.ahead = DEADLINE_AHEAD

    @precondition(lambda self: self.hurried and self.spared["stop"])
    @rule(which=NUMBERS)
    def stop(self, which: int) -> None:
        """Somebody presses Stop."""
        self.spared["stop"] -= 1
        self.world.run(self.world.stop(self._investigation(which)))

    @precondition(lambda self: self.world.survey.entries["stops"])
    @rule(which=NUMBERS, whom=NUMBERS)
    def hear_of_a_stop(self, which: int, whom: int) -> None:
        """A process reads a stop, and cancels what it does for it."""
        stops = self.world.survey.entries["stops"]
        inv = stops[which % len(stops)].values["investigation_id"]
        process = self.world.processes[whom % len(self.world.processes)]
        self.world.run(self.world.hear_stop(process, inv))

    @precondition(lambda self: not (self.world.tasks or self.world.unread()))
    @rule()
    def rest(self) -> None:
        """Nothing is on its way."""
