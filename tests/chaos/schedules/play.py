"""A schedule as it begins and as it ends; what may happen between is the machine's."""

from hypothesis.stateful import RuleBasedStateMachine

from bus.events import IncidentOpened
from bus.streams import INCIDENTS, TOOL_CALLS, TOOL_RESULTS, TURNS
from tests.chaos.schedules.cast import Parts, Stage
from tests.chaos.schedules.gate import Task
from tests.chaos.schedules.world import Ending, Group, World

OPENED: Group = (INCIDENTS, "reasoner")
DUE: Group = (TURNS, "reasoner")
CALLED: Group = (TOOL_CALLS, "toolrunner")
FINISHED: Group = (TOOL_RESULTS, "reasoner")
OPENINGS = ("nothing yet", "nothing yet", "join 2", "join 3", "join 5", "calls")
"""How a schedule begins: from nothing; with results of one turn about to be committed; or with
calls about to be made."""
SPARED = {
    **{"kill": 3, "over": 3, "overtake": 6, "broken": 3, "sweep": 4, "stop": 1},
    **{"incident again": 1, "result again": 3, "update": 2},
}
"""How often a schedule may do what would drown the rest of it."""


class Play(RuleBasedStateMachine):
    """One schedule, over a stage of many."""

    def __init__(self, stage: Stage, parts: Parts) -> None:
        super().__init__()
        self.world = World(stage, parts)
        self.hurried = False
        self.ending: Ending = "all die"
        self.spared = dict(SPARED)

    def teardown(self) -> None:
        """What is left to do is done by others, and everything has come to one end."""
        try:
            if not self.world.witness.wrong:
                self.world.run(self.world.end(self.ending))
        finally:
            self.world.clear()

    def _open(self, incidents: int, opening: str) -> None:
        for number in range(1, incidents + 1):
            self.world.survey.investigations.append(f"inc-{number}")
            self._write_incident(f"inc-{number}")
        if opening != "nothing yet":
            self._run_all(OPENED)
        match opening.split():
            case ["join", count]:
                self._run_all(DUE, said=f"calls {count}")
                self._run_all(CALLED)
                for at in range(int(count)):
                    self.world.run(self.world.to_the_brink(self._deliver_to(FINISHED, at)))
            case ["calls"]:
                self._run_all(DUE, said="calls 2")

    def _may_pass(self, ahead: int, steps: int) -> bool:
        world = self.world
        return self.hurried and world.gate.ahead == ahead and world.witness.steps >= steps

    def _deliver(self, which: int, whom: int) -> Task:
        unread = self.world.unread()
        return self._deliver_to(unread[which % len(unread)], whom)

    def _deliver_to(self, group: Group, whom: int) -> Task:
        processes = self.world.of(group[1])
        return self.world.run(self.world.deliver(group, processes[whom % len(processes)]))

    def _task(self, who: int, said: str) -> Task:
        task = self.world.tasks[who % len(self.world.tasks)]
        task.said = said
        return task

    def _investigation(self, which: int) -> str:
        investigations = self.world.survey.investigations
        return investigations[which % len(investigations)]

    def _write_incident(self, inv: str) -> None:
        incident = IncidentOpened(service="cartservice", summary="HTTP 500", incident_id=inv)
        self.world.publish(incident)

    def _run_all(self, group: Group, *, said: str = "submit") -> None:
        while self.world.survey.unread(*group):
            task = self._deliver_to(group, 0)
            task.said = said
            self.world.run(self.world.finish(task))
