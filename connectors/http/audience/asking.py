"""One audience request from its first byte to its answer: limits, a place, the way to the stage, figures.

`campaign_label` is bound to the context as soon as it is known: it is on every line from there on (AUD-051).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import structlog
from structlog.contextvars import bind_contextvars, unbind_contextvars

from connectors.http.audience.commands import Asking
from connectors.http.audience.faults import InvalidError
from connectors.http.audience.ports import Away
from connectors.http.audience.reading import whole_body
from connectors.http.audience.slots import RETRY_SOON, Size, largest
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import PROBLEMS, Code, Fault, ProblemError
from schemas.audience_words import AudienceOutcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from aiohttp import web
    from multidict import MultiMapping

    from connectors.http.audience.commands import Upload
    from connectors.http.audience.faults import Known
    from connectors.http.audience.rules import Labelled
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from schemas.records import AudienceAnswered

log = structlog.get_logger(__name__)
SERVER_FAULT = 500
ACCEPTED, REPLAYED = "accepted", "replayed"
BOUND = ("campaign_label", "request_id", "trace_id")


def away() -> ProblemError:
    """Kafka, or what this needs of it, is not there."""
    return ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON)


class Endpoint(ABC):
    """What all audience endpoints have in common. `operation`: its word in metrics, logs and limits."""

    operation: ClassVar[str]

    def __init__(self, ports: EdgePorts) -> None:
        self._audience = ports.audience or Away()
        self._now_ms = ports.now_ms
        self._throttle = ports.key_throttle
        self._metrics = ports.metrics.audience
        self._slots = ports.slots

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer, count, and log what was refused."""
        loop = asyncio.get_running_loop()
        began, result = loop.time(), str(Code.INTERNAL)
        bind_contextvars(trace_id=trace.trace_id)
        try:
            with self._counted(caller):
                result, response = await self._answered(request, trace)
        except ProblemError as problem:
            result = str(problem.code)
            log.info("audience_request_refused", operation=self.operation, code=result)
            raise
        except Exception as error:
            log.error("audience_request_failed", operation=self.operation, error=repr(error))  # noqa: TRY400
            raise
        else:
            response.headers.update(self._standing(caller))
            return response
        finally:
            self._metrics.asked(self.operation, result, loop.time() - began)
            unbind_contextvars(*BOUND)

    @abstractmethod
    async def _answered(self, request: web.Request, trace: Trace) -> tuple[str, web.Response]:
        """Word for the metric, and the answer."""

    def _standing(self, caller: Caller) -> Mapping[str, str]:
        """Headers of the limit of this endpoint: it is far nearer than that of the service."""
        key = caller.key_id
        return {} if self._throttle is None or key is None else self._throttle.left(key, self.operation)

    @contextmanager
    def _counted(self, caller: Caller) -> Iterator[None]:
        """Count the request of a key, unless the block ends in a 503 (AUD-OP-22)."""
        key = caller.key_id
        if self._throttle is None or key is None:
            yield
            return
        refused = self._throttle(key, self.operation)
        if refused is not None:
            raise ProblemError(Code.THROTTLED, headers=refused)
        try:
            yield
        except ProblemError as problem:
            if PROBLEMS[problem.code][0] > SERVER_FAULT:
                self._throttle.give_back(key, self.operation)
            problem.headers = {**self._throttle.left(key, self.operation), **problem.headers}
            raise


class AskingEndpoint(Endpoint):
    """An endpoint that asks the stage that decides."""

    async def _answered(self, request: web.Request, trace: Trace) -> tuple[str, web.Response]:
        size = self._size(request)
        with ExitStack() as places:
            places.enter_context(self._slots.taken(size))
            raw = await whole_body(request, largest(size))
            async with self._desk(size):
                upload = await self._prepared(raw, request.headers, trace, places)
            del raw
            answer = await self._ask(upload, trace)
        return REPLAYED if answer.is_replay else ACCEPTED, self._told(answer, trace)

    def _size(self, request: web.Request) -> Size:  # noqa: ARG002 - who takes large bodies looks at it
        return Size.SMALL

    @abstractmethod
    async def _prepared(
        self, raw: bytearray, headers: MultiMapping[str], trace: Trace, places: ExitStack
    ) -> Upload:
        """What is to be written. Nothing else of the body is held when this has returned.

        `places`: held until the answer is there; what needs another one enters it here.
        """

    @abstractmethod
    def _told(self, answer: AudienceAnswered, trace: Trace) -> web.Response:
        """The answer as this endpoint says it."""

    @asynccontextmanager
    async def _desk(self, size: Size) -> AsyncIterator[None]:
        """Large bodies are worked on one at a time: decoded, one is ten times its bytes."""
        if size is not Size.LARGE:
            yield
            return
        async with self._slots.desk:
            yield

    async def _checked(self, check: Callable[[Any, Known], Labelled], body: Any) -> Labelled:
        """The labels; an id that nobody knows is looked for again in what was written meanwhile.

        In a thread, as everything that takes long: seen posts are answered on this loop.
        """
        try:
            return await asyncio.to_thread(check, body, self._known())
        except InvalidError as error:
            if not error.has_unknown:
                raise
        try:
            await self._audience.catch_up()
        except BrokerUnavailableError:
            raise away() from None
        return await asyncio.to_thread(check, body, self._known())

    def _known(self) -> Known:
        try:
            return self._audience.known
        except BrokerUnavailableError:
            raise away() from None

    def _asking(self, trace: Trace, request_id: str, key: str, digest: bytes) -> Asking:
        return Asking(f"{trace.trace_id}-{trace.span_id}", request_id, key, digest, self._now_ms())

    async def _ask(self, upload: Upload, trace: Trace) -> AudienceAnswered:
        """The answer of the stage that decides; a refusal is a problem."""
        told = {"operation": self.operation, "upload_id": upload.upload_id}
        try:
            answer = await self._audience.ask(upload, trace.headers())
        except BrokerUnavailableError as error:
            log.warning("audience_request_waits", error=str(error), **told)
            raise away() from None
        log.info("audience_request_answered", outcome=answer.outcome, replayed=answer.is_replay, **told)
        if answer.outcome == AudienceOutcome.CONFLICT:
            raise ProblemError(Code.CONFLICT, [Fault("", answer.detail)])
        if answer.outcome == AudienceOutcome.UNKNOWN_LABEL:
            raise ProblemError(Code.UNKNOWN_LABEL, [Fault("", answer.detail)])
        return answer
