"""What stands before moto: whose key a request is signed with, in which account, and the log."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Event
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from simulator.aws.faulty import half, hang_up, possible, refusal, twice, wait
from simulator.aws.history import ACTION, AlarmHistory
from simulator.aws.rules import broken_rule, within_a_page
from simulator.aws.wire import Answer, Asked, answer_of, read
from simulator.faults import Fault, Faults
from simulator.request_log import RequestLog
from simulator.striking import NO_ANSWER, SILENT

STAND_IN = "aws"
ASKED_LOGGED = 2_000
"""Characters of a body in the log: enough to see what was asked for, and with which words."""
_CONNECTION = "werkzeug.socket"


@dataclass(frozen=True)
class Keys:
    """Whose requests pass: those of the stand-in's user, and of its owner, who meets no fault."""

    user: str
    owner: str


@dataclass
class Gate:
    """A WSGI app that lets requests signed with one of the `keys` through to moto, and notes each.

    moto checks no key and answers for a default account; here a stranger's key is refused as AWS
    refuses it, everything lives in `account`, and what AWS publishes as a limit is one.
    """

    app: WSGIApplication
    log: RequestLog
    keys: Keys
    account: str
    faults: Faults
    stopping: Event = field(default_factory=Event)
    history: AlarmHistory = field(default_factory=AlarmHistory)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; its line is in the log before the answer leaves."""
        asked = read(environ)
        facts: dict[str, object] = {"service": asked.service, "action": asked.action}
        if asked.key_id == self.keys.user:
            facts["asked"] = asked.body.decode("utf-8", "replace")[:ASKED_LOGGED]
        fault = self._due(asked)
        if fault is None:
            answer = self._answer(asked)
            self.log.record(STAND_IN, asked.line, status=answer.code, **facts)
            start_response(answer.status, answer.headers)
            return [answer.body]
        facts["fault"] = fault.fault
        if fault.fault in SILENT:
            self.log.record(STAND_IN, asked.line, status=NO_ANSWER, **facts)
            wait(fault, environ[_CONNECTION], stopping=self.stopping)
            raise hang_up(environ[_CONNECTION])
        answer = self._spoilt(asked, fault)
        self.log.record(STAND_IN, asked.line, status=answer.code, **facts)
        return self._leave(answer, fault, environ=environ, start_response=start_response)

    def _due(self, asked: Asked) -> Fault | None:
        if asked.key_id != self.keys.user:
            return None
        about = f"{asked.service}.{asked.action} {asked.body.decode('utf-8', 'replace')}"
        return self.faults.take(STAND_IN, asked.line, about=about, among=possible(asked))

    def _answer(self, asked: Asked) -> Answer:
        if asked.key_id not in (self.keys.user, self.keys.owner):
            words = "The security token included in the request is invalid."
            return asked.error("UnrecognizedClientException", words, status="403 Forbidden")
        refused = broken_rule(asked)
        if refused is not None:
            return refused
        if (asked.service, asked.action, asked.is_form) == ("monitoring", ACTION, False):
            return self.history.answer(asked)
        asked.environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.account
        answer = within_a_page(asked, answer_of(self.app, asked))
        self.history.note(asked, answer)
        return answer

    def _spoilt(self, asked: Asked, fault: Fault) -> Answer:
        refused = refusal(fault, asked, account=self.account)
        if refused is not None:
            return refused
        answer = self._answer(asked)
        return twice(asked, answer, ask=self._answer) if fault.fault == "duplicate" else answer

    def _leave(
        self,
        answer: Answer,
        fault: Fault,
        *,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        connection = environ[_CONNECTION]
        if fault.fault == "accepted_dropped":
            raise hang_up(connection)
        wait(fault, connection, stopping=self.stopping)
        start_response(answer.status, answer.headers)
        return half(answer.body, connection) if fault.fault == "cut" else [answer.body]
