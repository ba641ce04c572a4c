"""Sends recordings to the pool, and again until there is an answer that is final."""

import asyncio
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .admission import MAX_RETRY_SECONDS
from .errors import ApiError
from .log_context import add_log_context
from .metrics import PoolMetrics
from .pool import Answer, Form, NoAnswerError, Pool
from .pool_course import CRASHED, NOT_TO_US, Course, Final, Go
from .pool_monitor import PoolMonitor
from .spare_time import SpareTime

LOG = logging.getLogger(__name__)

DECAY = 15 / 16  # of a measurement's weight with each that follows, as in inference_cost
RETRY_AFTER = {"Retry-After": "5"}


class PoolRequest:
    """A request that waits in the pool, or that a member has. asked, taken: when, in seconds."""

    def __init__(self) -> None:
        self.asked = time.monotonic()
        self.taken: float | None = None


class PoolDispatcher:
    """Sends forms that were received whole. The queue is HAProxy's; here it is bounded.

    limit: how many may wait, beside those that members have.
    """

    def __init__(
        self, pool: Pool, monitor: PoolMonitor, metrics: PoolMetrics, limit: int, max_wait: float
    ) -> None:
        self.limit = limit
        self._pool = pool
        self._monitor = monitor
        self._metrics = metrics
        self._max_wait = max_wait
        self._requests: set[PoolRequest] = set()
        self._spare = SpareTime()
        self._seconds = self._weight = 0.0

    @property
    def running(self) -> int:
        """How many requests members have."""
        return sum(request.taken is not None for request in self._requests)

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._requests) - self.running

    async def transcribe(self, form: Form) -> Answer:
        """Return the answer to a form, as a member gave it, or raise ApiError.

        Sent again as `pool_course` says, for `max_wait` seconds without a member; then the answer
        is a 503. Cancelling this call ends the member's inference too.
        """
        with self._admitted() as request:
            course = Course(self._max_wait)
            while True:
                go = await self._next(course)
                if isinstance(go, Answer):
                    return go
                answer = await self._attempt(course, request, go, form)
                if answer:
                    self._record(request, answer)
                    return answer

    async def transcribe_if_idle(self, form: Form) -> Answer | None:
        """Return a member's answer to a form if one has nothing else to do, otherwise None.

        When requests come that want all members, this one is ended at once. There is one attempt,
        which raises what `Pool.transcribe` raises.
        """
        busy = max(len(self._requests), sum(m.running + m.waiting for m in self._monitor.members))
        if busy + self._spare.places >= self._monitor.slots:
            return None
        return await self._spare.run(self._pool.transcribe(form, taken=lambda: None))

    @contextmanager
    def _admitted(self) -> Iterator[PoolRequest]:
        free = max(0, self._monitor.slots - self.running)
        if self.waiting >= self.limit + free:
            raise self._overloaded("The queue is full.")
        request = PoolRequest()
        self._requests.add(request)
        self._spare.give_way(len(self._requests) + self._spare.places - self._monitor.slots)
        try:
            yield request
        finally:
            self._requests.remove(request)

    async def _next(self, course: Course) -> Go | Answer:
        """Return where to send it, once it may be sent, or the answer that is final by now."""
        while True:
            now = time.monotonic()
            if now >= course.deadline:
                return self._given_up(course)
            step = course.next(self._monitor.members, self._monitor.has_returned, now)
            if isinstance(step, Final):
                return step.answer
            await asyncio.sleep(min(step.pause, course.deadline - now))
            if isinstance(step, Go):
                return step

    async def _attempt(
        self, course: Course, request: PoolRequest, go: Go, form: Form
    ) -> Answer | None:
        """Make an attempt, and return its answer if it is final."""

        def taken() -> None:
            request.taken = time.monotonic()
            course.taken(request.taken)

        now = time.monotonic()
        course.begin(now)
        waited = now - request.asked
        try:
            answer = await self._pool.transcribe(
                form, taken=taken, waited=waited, server=go.server, until=course.deadline
            )
        except NoAnswerError as error:
            self._note_failure(error)
            course.failed(error, time.monotonic())
        else:
            final = course.answered(answer, time.monotonic())
            if final:
                return final
            self._note_refusal(answer)
        request.taken = None
        return None

    def _note_failure(self, error: NoAnswerError) -> None:
        if not error.taken:  # nobody had it
            return
        LOG.warning("lost a member: name=%s sent=%s", error.member or "unknown", error.sent)
        self._metrics.lost.inc()
        if error.member:
            self._monitor.record_failure(error.member, "a request that it had was lost")

    def _note_refusal(self, answer: Answer) -> None:
        name, code = answer.member, answer.code or "unknown"
        LOG.warning("refused by a member: name=%s status=%d code=%s", name, answer.status, code)
        self._metrics.refused.inc()
        if answer.status in NOT_TO_US:
            self._monitor.record_failure(name, f"it does not let this gateway in: {code}")

    def _record(self, request: PoolRequest, answer: Answer) -> None:
        now = time.monotonic()
        taken = now if request.taken is None else request.taken
        self._metrics.record_wait(taken - request.asked)
        self._metrics.member_seconds.observe(now - taken)
        add_log_context(
            wait_ms=round(1000 * (taken - request.asked)),
            member=answer.member,
            member_request=answer.request_id or "unknown",
        )
        self._seconds = self._seconds * DECAY + now - taken
        self._weight = self._weight * DECAY + 1

    def _given_up(self, course: Course) -> Answer:
        """Return what a member said that could not do it, or raise ApiError."""
        if course.is_suspect(self._monitor.has_returned):
            message = "Two machines went down with this audio. It is not tried again."
            raise ApiError(422, message, param="file", code=CRASHED)
        if course.verdict:
            return course.verdict
        if self._monitor.usable:
            raise self._overloaded("No turn came up in time.")
        message = "No member of the pool answers."
        raise ApiError(503, message, code="upstream_unavailable", headers=RETRY_AFTER)

    def _overloaded(self, reason: str) -> ApiError:
        # By then as many were answered as wait now, as far as those before tell.
        each = self._seconds / self._weight if self._weight else 0.0
        expected = self.waiting * each / max(1, self._monitor.slots)
        wait = min(MAX_RETRY_SECONDS, max(1, math.ceil(expected)))
        headers = {"Retry-After": str(wait)}
        return ApiError(503, f"{reason} Try again.", code="overloaded", headers=headers)
