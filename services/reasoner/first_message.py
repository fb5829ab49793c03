"""The first message of an investigation: the incident, what came with it, what is known of it."""

from collections.abc import Mapping

from bus.events import Alarm
from bus.record import Record
from services.reasoner.budget import Limits
from services.reasoner.earlier import HEAD as EARLIER
from services.reasoner.transcript import marked


def incident_text(
    record: Record,
    *,
    shown: Mapping[str, str],
    earlier: str,
    rollouts: Mapping[str, str],
    limits: Limits,
) -> str:
    """The incident and what came with it, between markers, because others wrote it.

    `shown`: what came with the alarm (`trigger:…`) among the shown results, by call id; `earlier`
    and `rollouts`: see `turn.Seen`.
    """
    incident = record.incident
    facts = {
        "service": incident.service,
        "summary": incident.summary,
        "severity": incident.severity,
        "trigger": incident.trigger,
        "accepted": record.opened_at.isoformat(timespec="seconds"),
        "note by a person": incident.note,
    }
    lines = [f"{name}: {text}" for name, text in facts.items() if text]
    lines += _alarm_lines(incident.alarm) if incident.alarm else []
    attached = sorted(name for name in shown if name.startswith("trigger:"))
    past = marked(earlier, "earlier", nonce=record.nonce, kind="data") if earlier else ""
    minutes = (record.conclude_at - record.opened_at).total_seconds() / 60
    told = f"{minutes:.0f}" if minutes >= 9.95 else f"{minutes:.2g}"
    return "\n\n".join(
        [
            "An incident was opened.",
            marked("\n".join(lines), "incident", nonce=record.nonce, kind="data"),
            *(marked(shown[name], name, nonce=record.nonce) for name in attached),
            *_rollouts(rollouts, nonce=record.nonce),
            *([f"{EARLIER}\n{past}"] if past else []),
            f"Find its cause. You have {limits.turns} turns, {limits.tool_calls} tool calls "
            f"(at most {limits.parallel_calls} in one turn) and about {told} minutes.",
        ]
    )


def _rollouts(known: Mapping[str, str], *, nonce: str) -> list[str]:
    """What was rolled out lately; nothing where that is not known."""
    if "at" not in known:
        return []
    text = known.get("text") or "none"
    head = f"Roll-outs of the last day, looked up {known['at']} (to quote them, call their tool):"
    return [f"{head}\n{marked(text, 'rollouts', nonce=nonce, kind='data')}"]


def _alarm_lines(alarm: Alarm) -> list[str]:
    facts = {
        "alarm": alarm.name,
        "alarm description": alarm.description,
        "alarm reason": alarm.reason,
        "metric": alarm.metric,
        "account": alarm.account,
        "region": alarm.region,
        "changed": alarm.changed_at.isoformat(timespec="seconds") if alarm.changed_at else "",
    }
    lines = [f"{name}: {text}" for name, text in facts.items() if text]
    return lines + [f"label {name}: {text}" for name, text in sorted(alarm.labels.items())]
