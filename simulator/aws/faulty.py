"""What AWS does wrong on request, in the words of each protocol."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from threading import Event

from simulator.aws.wire import Answer, Asked
from simulator.faults import Fault
from simulator.known_faults import SHARED
from simulator.striking import LONGEST_HANG_SECONDS, SLOW_SECONDS

_ANY = {
    *SHARED,
    "throttled",
    "internal_error",
    "unavailable",
    "expired_token",
    "access_denied",
}
_LOOK_SECONDS = 0.1
_MOST_MESSAGES = 10
Ask = Callable[[Asked], Answer]


def possible(asked: Asked) -> set[str]:
    """The faults that such a request can be struck by."""
    return _ANY | ({"duplicate"} if asked.action == "ReceiveMessage" else set())


def refusal(fault: Fault, asked: Asked, *, account: str) -> Answer | None:
    """The error that the fault is; None when it is none."""
    if fault.fault == "throttled":
        return asked.error("ThrottlingException", "Rate exceeded")
    if fault.fault == "internal_error":
        message = "The request processing has failed because of an unknown error."
        return asked.error("InternalFailure", message, status="500 Internal Server Error")
    if fault.fault == "unavailable":
        message = "The request has failed due to a temporary failure of the server."
        return asked.error("ServiceUnavailable", message, status="503 Service Unavailable")
    if fault.fault == "expired_token":
        message = "The security token included in the request is expired"
        return asked.error("ExpiredTokenException", message)
    if fault.fault == "access_denied":
        prefix = "cloudwatch" if asked.service == "monitoring" else asked.service
        action = f"{prefix}:{asked.action}"
        message = (
            f"User: arn:aws:iam::{account}:user/nightshift is not authorized to perform: {action} "
            f"because no identity-based policy allows the {action} action"
        )
        return asked.error("AccessDeniedException", message)
    return None


def twice(asked: Asked, answer: Answer, *, ask: Ask) -> Answer:
    """The answer with each message a second time, under a receipt of its own."""
    fields = answer.fields()
    messages = fields.get("Messages")
    if not isinstance(messages, list):
        return answer
    queue: dict[str, object] = {"QueueUrl": asked.fields().get("QueueUrl")}
    for message in messages:
        again = queue | {"ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
        ask(asked.other("ChangeMessageVisibility", again))
    room = min(len(messages), _MOST_MESSAGES - len(messages))
    if room < 1:
        return answer
    wanted = asked.fields() | {"WaitTimeSeconds": 0, "MaxNumberOfMessages": room}
    more = ask(asked.other("ReceiveMessage", wanted)).fields().get("Messages")
    copies = more if isinstance(more, list) else []
    return answer.changed(fields | {"Messages": [*messages, *copies]})


def wait(fault: Fault, connection: socket.socket, *, stopping: Event) -> None:
    """The time has passed that the fault takes, or the client or the stand-in has gone."""
    longest = {"slow": SLOW_SECONDS, "hang": LONGEST_HANG_SECONDS}.get(fault.fault, 0.0)
    seconds = fault.seconds if longest and fault.seconds is not None else longest
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not stopping.is_set():
        readable, _, _ = select.select([connection], [], [], min(left, _LOOK_SECONDS))
        if readable and not connection.recv(1, socket.MSG_PEEK):
            return


def hang_up(connection: socket.socket) -> ConnectionAbortedError:
    """The connection has ended; what is returned ends the request."""
    connection.shutdown(socket.SHUT_RDWR)
    return ConnectionAbortedError("a fault")


def half(body: bytes, connection: socket.socket) -> Iterator[bytes]:
    """The first half of a body, after which the connection ends."""
    yield body[: len(body) // 2]
    raise hang_up(connection)
