"""The reasoner, put together: settings -> adapters -> handlers -> streams.

| from | method | to |
|---|---|---|
| incidents | `on_incident_opened` | turns |
| turns | `on_turn_due` | tool-calls, turns, diagnoses, progress |
| tool-results | `on_tool_call_finished` | turns |
| updates | `on_alarm_joined`, `on_alarm_recovered`, `on_feedback_given` | diagnoses, stops |
"""

from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    FeedbackGiven,
    IncidentOpened,
    ToolCallFinished,
    TurnDue,
)
from bus.port import Bus, Route
from bus.process import Service, build_app
from bus.streams import INCIDENTS, TOOL_RESULTS, TURNS, UPDATES
from services.reasoner.adapters import files
from services.reasoner.adapters.claude import Claude
from services.reasoner.adapters.claude_twice import second_looks
from services.reasoner.adapters.pace import Pace
from services.reasoner.adapters.redis_budget import RedisDayBudget
from services.reasoner.adapters.redis_catalogues import RedisCatalogues
from services.reasoner.adapters.redis_memory import RedisMemory
from services.reasoner.adapters.zeros import from_zero
from services.reasoner.handlers import Reasoner
from services.reasoner.ports import Model
from services.reasoner.running import Turns
from services.reasoner.settings import Settings


def build(settings: Settings, bus: Bus, *, model: Model | None = None) -> Service:
    """The service, not yet started. Raises NotConfigured with one sentence."""
    from_zero(settings)
    rules = files.rules_of(settings)
    pace = Pace(bus.redis, bus.keys, settings)
    model = model or Claude(settings, bus.tracing, rules.prices, pace)
    turns = Turns(
        investigations=bus.investigations,
        results=bus.results,
        model=model,
        catalogues=RedisCatalogues(bus.redis, bus.keys),
        day_budget=RedisDayBudget(bus.redis, bus.keys, settings.max_day_cost_usd),
        rules=rules,
        memory=RedisMemory(bus.redis, bus.keys),
        second=second_looks(settings, bus, model=model, rules=rules),
    )
    handlers = Reasoner(
        investigations=bus.investigations, turns=turns, deadline_seconds=settings.deadline_seconds
    )
    routes = [
        Route(INCIDENTS, IncidentOpened, handlers.on_incident_opened),
        Route(TURNS, TurnDue, handlers.on_turn_due),
        Route(TOOL_RESULTS, ToolCallFinished, handlers.on_tool_call_finished),
        Route(UPDATES, AlarmJoined, handlers.on_alarm_joined),
        Route(UPDATES, AlarmRecovered, handlers.on_alarm_recovered),
        Route(UPDATES, FeedbackGiven, handlers.on_feedback_given),
    ]
    if not isinstance(model, Claude):
        return build_app(bus, routes)
    return build_app(bus, routes, background=[model.keep], checks={"model": model.reach.check})
