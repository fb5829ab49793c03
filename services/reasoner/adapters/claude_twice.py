"""The model of the second look: the investigation's client, asked for a model of its own."""

import copy

from bus.port import Bus
from services.reasoner.adapters import files
from services.reasoner.adapters.claude import Claude
from services.reasoner.adapters.reach import Reach
from services.reasoner.adapters.redis_budget import RedisDayBudget
from services.reasoner.looking import SecondLooks
from services.reasoner.ports import Model
from services.reasoner.rules import Rules
from services.reasoner.settings import Settings

REPLY_TOKENS = 2048


def second_looks(settings: Settings, bus: Bus, *, model: Model, rules: Rules) -> SecondLooks | None:
    """Who looks at diagnoses again; None where the setting is off.

    Connections and limits are shared with the investigating model; readiness does not depend on it.
    """
    if settings.verify == "off":
        return None
    name = settings.verify_model or settings.model
    if isinstance(model, Claude):
        model = copy.copy(model)
        # Without thinking: cheap models do not know the adaptive kind, and a yes or no needs none.
        changes = {"model": name, "fallback_model": "", "max_reply_tokens": REPLY_TOKENS}
        model.settings = settings.model_copy(
            update=changes | {"thinking": False, "force_conclusion": False}
        )
        model.reach = Reach(model.reach.address)
    return SecondLooks(
        model=model,
        name=name,
        prices=rules.prices,
        limits=rules.limits.model_copy(update={"reply_tokens": REPLY_TOKENS}),
        day_budget=RedisDayBudget(bus.redis, bus.keys, settings.max_day_cost_usd),
        texts=rules.texts,
        judge=files.judge_tool(),
    )
