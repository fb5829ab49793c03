"""The notifier, put together: settings -> adapters -> handlers -> streams."""

from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    DiagnosisReached,
    FeedbackGiven,
    IncidentOpened,
    InvestigationProgressed,
    NoticeRequested,
)
from bus.port import Bus, Route
from bus.process import Service, build_app
from bus.streams import DIAGNOSES, INCIDENTS, NOTICES, PROGRESS, UPDATES
from services.notifier.adapters.catalog_file import routes
from services.notifier.adapters.known_links import links_of
from services.notifier.adapters.redis_deadlines import Deadlines
from services.notifier.adapters.redis_feedback import RedisFeedback
from services.notifier.adapters.redis_memory import RedisHistory
from services.notifier.adapters.redis_notices import RedisNotices
from services.notifier.adapters.redis_owing import RedisOwing
from services.notifier.adapters.redis_places import RedisPlaces
from services.notifier.adapters.rhythm import INTRODUCTION, REPAIR, THREADS, every
from services.notifier.adapters.sinks import sink_of
from services.notifier.adapters.slack import SlackChannel
from services.notifier.adapters.stream_watch import looking
from services.notifier.adapters.threads import threads_of
from services.notifier.closing import Closing
from services.notifier.handlers import Handlers
from services.notifier.live import Live
from services.notifier.message import Messages
from services.notifier.notices import NoticeBoard
from services.notifier.second_messages import SecondMessages
from services.notifier.settings import Settings
from services.notifier.sweep import Sweep


def build(settings: Settings, bus: Bus, *, slack: SlackChannel | None = None) -> Service:
    """The notifier as a service; nothing connects yet."""
    sink = slack or sink_of(settings, bus)
    redis, keys, lease = bus.redis, bus.keys, settings.lease_seconds
    places = RedisPlaces.of(bus, settings.progress_seconds)
    owing = RedisOwing(redis, keys, lease)
    second_messages = SecondMessages(bus.investigations, sink, owing, bus.tracing)
    ways = routes(settings.catalog, settings.slack_channel)
    messages = Messages(sink, places, second_messages, ways)
    history = RedisHistory(redis, keys)
    board = NoticeBoard(bus.investigations, sink, RedisNotices(redis, keys, lease), ways)
    closing = Closing(bus, messages, history, links_of(settings), settings.final_repeat_seconds)
    live = Live(bus.investigations, messages)
    sweep = Sweep(bus.investigations, Deadlines(redis, keys), closing)
    threads = threads_of(sink, closing, lease_seconds=lease)
    given, most = RedisFeedback(redis, keys), settings.deadline_seconds
    do = Handlers(bus.investigations, messages, live, closing, given, board, most)
    return build_app(
        bus,
        routes=(
            Route(INCIDENTS, IncidentOpened, do.on_incident_opened),
            Route(UPDATES, AlarmJoined, do.on_alarm_joined),
            Route(UPDATES, AlarmRecovered, do.on_alarm_recovered),
            Route(UPDATES, FeedbackGiven, do.on_feedback_given),
            Route(PROGRESS, InvestigationProgressed, do.on_progressed),
            Route(DIAGNOSES, DiagnosisReached, do.on_diagnosis_reached),
            Route(NOTICES, NoticeRequested, do.on_notice_requested),
        ),
        background=(
            lambda: every(settings.sweep_seconds, sweep.sweep),
            lambda: every(0, sweep.close_left_over),
            *looking(bus, sweep),
            lambda: every(REPAIR, closing.repair),
            lambda: every(REPAIR, second_messages.sweep),
            lambda: every(THREADS, threads.sweep),
            lambda: every(INTRODUCTION, sink.introduce),
        ),
        checks={"slack": sink.problem},
    )
