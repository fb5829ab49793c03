"""The threads of incidents, put together: Slack, Redis, and where the details come from."""

from bus.port import Bus
from bus.results import Results
from services.notifier.adapters.redis_moments import RedisMoments
from services.notifier.adapters.redis_thread import RedisThread
from services.notifier.adapters.slack import SlackChannel
from services.notifier.adapters.slack_thread import SlackThread
from services.notifier.adapters.stdout import StandardOutput
from services.notifier.adapters.stdout_thread import PrintedThread
from services.notifier.closing import Closing
from services.notifier.thread import Sources, Threads


def threads_of(
    sink: SlackChannel | StandardOutput, closing: Closing, *, lease_seconds: float
) -> Threads:
    """What writes the threads of the messages that this sink writes; nothing connects yet."""
    bus: Bus = closing.bus
    results, moments = Results(bus.redis, bus.keys), RedisMoments(bus.redis, bus.keys)
    sources = Sources(bus.investigations, results, moments, closing)
    thread = SlackThread(sink) if isinstance(sink, SlackChannel) else PrintedThread(sink)
    return Threads(sources, thread, RedisThread(bus.redis, bus.keys, lease_seconds))
