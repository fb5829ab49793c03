"""The reasoner, put together: settings -> adapters -> handlers -> streams.

| from | method | to |
|---|---|---|
| incidents | `on_incident` | turns |
| turns | `on_turn` | tool-calls, turns, diagnoses, progress |
| tool-results | `on_result` | turns |
| updates | `on_join`, `on_recovery`, `on_feedback` | diagnoses and stops (policy `stop`) |
"""

import logging

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
from services.reasoner.adapters.redis_budget import RedisDayBudget
from services.reasoner.adapters.redis_catalogues import RedisCatalogues
from services.reasoner.budget import Limits
from services.reasoner.handlers import Reasoner
from services.reasoner.ports import Model
from services.reasoner.running import Rules, Turns
from services.reasoner.settings import Settings

log = logging.getLogger(__name__)


def build(settings: Settings, bus: Bus, *, model: Model | None = None) -> Service:
    """The service, not yet started. Raises NotConfigured with one sentence."""
    rules = rules_of(settings)
    claude = None if model else Claude(settings, bus.tracing, rules.prices)
    turns = Turns(
        investigations=bus.investigations,
        results=bus.results,
        model=model or claude,
        catalogues=RedisCatalogues(bus.redis, bus.keys),
        day_budget=RedisDayBudget(bus.redis, bus.keys, settings.max_day_cost_usd),
        rules=rules,
    )
    handlers = Reasoner(
        investigations=bus.investigations, turns=turns, deadline_seconds=settings.deadline_seconds
    )
    routes = [
        Route(INCIDENTS, IncidentOpened, handlers.on_incident),
        Route(TURNS, TurnDue, handlers.on_turn),
        Route(TOOL_RESULTS, ToolCallFinished, handlers.on_result),
        Route(UPDATES, AlarmJoined, handlers.on_join),
        Route(UPDATES, AlarmRecovered, handlers.on_recovery),
        Route(UPDATES, FeedbackGiven, handlers.on_feedback),
    ]
    return build_app(bus, routes, checks={"model": claude.check} if claude else {})


def rules_of(settings: Settings) -> Rules:
    """What all turns have in common. Raises NotConfigured when a data file cannot be used."""
    prices = files.prices(settings.prices_file)
    if prices.of(settings.model, 0) is None:
        log.warning("no price of %s is known: costs are unknown, dollars unlimited", settings.model)
    return Rules(
        model=settings.model,
        limits=Limits(
            turns=settings.max_turns,
            tool_calls=settings.max_tool_calls,
            tokens=settings.max_tokens,
            cost_usd=settings.max_cost_usd,
            reply_tokens=settings.max_reply_tokens,
        ),
        prices=prices,
        texts=files.texts(),
        submit=files.submit_tool(),
        model_seconds=settings.model_seconds,
    )
