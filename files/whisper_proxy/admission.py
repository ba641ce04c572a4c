"""Admission control for the GPU: a bounded queue that knows how long each wait will be.

It refuses requests that would have to wait too long. Half of the GPU's time is given in order of
arrival, the other half to the shortest recordings: neither the long nor the short ones starve.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from .errors import ApiError
from .inference_cost import InferenceCost
from .spare_time import SpareTime

T = TypeVar("T")

MAX_RETRY_SECONDS = 60  # OpenAI's clients do not wait longer


class Job:
    """A request that waits for a slot or holds it: its seconds of audio.

    slot: done when it has one. out_of_turn: a longer one that came before it still waits.
    asked_for: whether a request is; what is done in spare time is not.
    """

    def __init__(self, seconds: float, *, asked_for: bool = True) -> None:
        self.seconds = seconds
        self.asked_for = asked_for
        self.slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.out_of_turn = False
        self._admitted = self._began = math.inf

    def admit(self, *, out_of_turn: bool = False) -> None:
        """Give it a slot."""
        self._admitted = _now()
        self.out_of_turn = out_of_turn
        if not self.slot.done():
            self.slot.set_result(None)

    @contextmanager
    def inferring(self) -> Iterator[None]:
        """Its inference runs for the duration of the context."""
        self._began = _now()
        try:
            yield
        finally:
            self._began = math.inf

    @property
    def held(self) -> float:
        """For how many seconds it has held its slot."""
        return max(0.0, _now() - self._admitted)

    @property
    def inferred(self) -> float:
        """For how many seconds its inference has run; 0 if none does."""
        return max(0.0, _now() - self._began)


class AdmissionQueue:
    """Admits `concurrency` requests at a time; up to `limit` more may wait.

    cost: what inferences cost, which is to be told of those that ended.
    """

    def __init__(self, concurrency: int, limit: int, max_wait: float) -> None:
        self.limit = limit
        self.cost = InferenceCost()
        self._concurrency = concurrency
        self._max_wait = max_wait
        self._running: list[Job] = []
        self._waiting: list[Job] = []  # in order of arrival
        self._spare = SpareTime()
        self._spare_jobs: list[Job] = []
        self._announced = 0
        self._credit = 0.0  # seconds of the GPU that the shortest come first for

    @property
    def running(self) -> int:
        """How many requests hold a slot."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many requests wait for one."""
        return len(self._waiting)

    @property
    def audio_seconds(self) -> float:
        """The seconds of audio of all that is transcribed now, in spare time too."""
        return sum(job.seconds for job in (*self._running, *self._spare_jobs))

    @property
    def overdue(self) -> bool:
        """Whether an inference has run for `max_wait` seconds more than expected.

        So requests that waited for it were refused. Where nothing was measured since whisper-server
        was started, it is expected to keep up with the speech.
        """
        return any(self._is_overdue(job) for job in self._running)

    def _is_overdue(self, job: Job) -> bool:
        expected = self.cost.expected(job.seconds) if self.cost.trusted else job.seconds
        return job.inferred > expected + self._max_wait

    @contextmanager
    def announced(self) -> Iterator[None]:
        """Keep a place for a request whose audio is being decoded, so of unknown length.

        Raises ApiError 503 at once if the queue is full or the wait would be too long for the
        shortest recording. These places do not count for what needs no decoding: a slow decoder
        keeps no dictation from the GPU.
        """
        self._refuse_if_overloaded(0.0, self._announced)
        self._announced += 1
        try:
            yield
        finally:
            self._announced -= 1

    @asynccontextmanager
    async def admitted(self, seconds: float) -> AsyncIterator[Job]:
        """Wait for a slot for this much audio, and hold it.

        Raises ApiError 503: at once if the queue is full or the wait is expected to exceed
        `max_wait`; after `max_wait` seconds if the wait was longer than expected.
        """
        self._refuse_if_overloaded(seconds)
        job = Job(seconds)
        await self._acquire(job)
        try:
            yield job
        finally:
            self._release(job)

    async def in_spare_time(
        self, seconds: float, work: Callable[[Job], Coroutine[Any, Any, T]]
    ) -> T | None:
        """Return what `work` returns, done for this much audio in a slot that nobody wants.

        None if there is none, or a request comes that wants it: then the work is cancelled. It
        counts nowhere as a request, so that none is refused for it.
        """
        if self._waiting or self._announced or self._full:
            return None
        job = Job(seconds, asked_for=False)
        job.admit()
        self._spare_jobs.append(job)
        try:
            return await self._spare.run(work(job))
        finally:
            self._spare_jobs.remove(job)
            self._fill()

    @property
    def _full(self) -> bool:
        return len(self._running) + self._spare.places >= self._concurrency

    async def _acquire(self, job: Job) -> None:
        self._waiting.append(job)
        self._fill()
        try:
            async with asyncio.timeout(self._max_wait):
                await job.slot
        except BaseException as error:
            if job in self._running:  # it got the slot in the same turn of the loop
                self._release(job)
            else:
                self._waiting.remove(job)
            if isinstance(error, TimeoutError):
                raise self._overloaded("No turn came up in time.", job.seconds) from None
            raise

    def _fill(self) -> None:
        while self._waiting and not self._full:
            job = next_job(self._waiting, self._credit)
            job.admit(out_of_turn=job is not self._waiting[0])
            self._waiting.remove(job)
            self._running.append(job)
        self._spare.give_way(len(self._waiting))

    def _release(self, job: Job) -> None:
        self._running.remove(job)
        self._credit = _credit(self._credit, job.held, out_of_turn=job.out_of_turn)
        self._fill()

    def _refuse_if_overloaded(self, seconds: float, announced: int = 0) -> None:
        free = self._concurrency - len(self._running)
        if len(self._waiting) + announced >= self.limit + free:
            raise self._overloaded("The queue is full.", seconds)
        if self.expected_wait(seconds) > self._max_wait:
            raise self._overloaded("The wait would be too long.", seconds)

    def expected_wait(self, seconds: float) -> float:
        """Return how long a recording of this length would wait, if it came now, in seconds."""
        if len(self._running) < self._concurrency:
            return 0.0
        left = 0.0
        credit = self._credit
        for job in self._running:
            remains = max(0.0, self.cost.expected(job.seconds) - job.inferred)
            left += remains
            credit = _credit(credit, job.held + remains, out_of_turn=job.out_of_turn)
        first = before(seconds, [job.seconds for job in self._waiting], credit, self.cost)
        return (left + sum(map(self.cost.expected, first))) / self._concurrency

    def _overloaded(self, reason: str, seconds: float) -> ApiError:
        # Its turn should come up by then. 503 and not 429, which VoiceMode does not retry.
        wait = min(MAX_RETRY_SECONDS, max(1, math.ceil(self.expected_wait(seconds))))
        headers = {"Retry-After": str(wait)}
        return ApiError(503, f"{reason} Try again.", code="overloaded", headers=headers)


def next_job(waiting: Sequence[Job], credit: float) -> Job:
    """Return the next of those that wait, in order of arrival: the first, or with credit left the
    shortest.
    """
    return min(waiting, key=lambda job: job.seconds) if credit > 0 else waiting[0]


def _credit(credit: float, took: float, *, out_of_turn: bool) -> float:
    """Return for how many seconds the shortest come first, after a request held a slot.

    One in its turn gives them as long as it took, and what they take is deducted: each gets half.
    """
    return credit - took if out_of_turn else max(credit, took)


def before(
    seconds: float, waiting: Iterable[float], credit: float, cost: InferenceCost
) -> list[float]:
    """Return which of the recordings that wait come before one of this length that comes now.

    waiting: their lengths in seconds, in order of arrival.
    """
    lengths = list(waiting)
    first = [other for other in lengths if other <= seconds]
    credit -= sum(map(cost.expected, first))
    for other in lengths:
        if other > seconds and credit <= 0:
            first.append(other)
            credit += cost.expected(other)
    return first


def _now() -> float:
    return asyncio.get_running_loop().time()
