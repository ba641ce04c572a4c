"""Sends requests to whisper-server: in order, and again if it died or hung before it answered."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from . import probe
from .admission import AdmissionQueue, Job
from .errors import ApiError
from .fields import TranscriptionRequest
from .inference import BystanderError, HungError, Inferences, Recording
from .log_context import add_log_context
from .metrics import Metrics
from .transcript import Transcript
from .upstream import LostError, NotReachedError
from .upstream_monitor import UpstreamMonitor

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 0.02  # between attempts: a refused connection on loopback costs 0.3 ms
MAX_LOSSES = 2
MAX_HANGS = 2
# Beyond twice its cost: an inference that took longer when its client went away may hang.
DOUBT_SECONDS = 5.0
PROBE_SECONDS = 30.0  # between probes of one that hangs
# A whisper-server that died is back within a few seconds, its model loaded.
RETRY_AFTER = {"Retry-After": "5"}
# OpenAI's clients would send a 504 again, and hang whisper-server again.
NO_RETRY = {"x-should-retry": "false"}


class Dispatcher:
    """Queues a completely received request, and retries it until there is an answer."""

    def __init__(
        self,
        inferences: Inferences,
        admission: AdmissionQueue,
        monitor: UpstreamMonitor,
        metrics: Metrics,
        max_wait: float,
    ) -> None:
        self._inferences = inferences
        self._admission = admission
        self._monitor = monitor
        self._metrics = metrics
        self._max_wait = max_wait
        self._probe: asyncio.Task[None] | None = None

    async def transcribe(self, audio: Recording, request: TranscriptionRequest) -> Transcript:
        """Return the transcript of the audio, or raise ApiError.

        If whisper-server becomes unreachable, the request is retried for `max_wait` seconds from
        when that was first noticed. Cancelling this call ends the inference too.

        If whisper-server hangs and was restarted, the request is tried once more; if it hangs
        again, or was not restarted, the answer is a 504.

        If whisper-server was lost MAX_LOSSES times after it had received the whole request, with
        no other inference beside it, the request is tried without its prompt. If it is lost again,
        the recording is refused with 422, provided that a second of silence is transcribed. What
        the operator restarts does not count: on SIGTERM whisper-server answers the requests that
        it has and then refuses connections. Nor does a loss before the recording was sent, nor one
        that another request's hang led to.
        """
        queued = time.monotonic()
        async with self._admission.admitted(audio.seconds) as job:
            waited = time.monotonic() - queued
            self._metrics.record_wait(waited)
            add_log_context(wait_ms=round(waited * 1000))
            try:
                return await self._until_answered(job, audio, request)
            except asyncio.CancelledError:
                if job.held > DOUBT_SECONDS + 2 * self._admission.cost.expected(job.seconds):
                    self._probe_later(self._probe_once)
                raise

    async def transcribe_if_idle(
        self, audio: Recording, request: TranscriptionRequest
    ) -> Transcript | None:
        """Return the transcript of the audio if nothing else is to be transcribed, otherwise None.

        When a request comes, this inference is ended at once. There is one attempt, which raises
        what `Inferences.attempt` raises.
        """
        try:
            return await self._admission.in_spare_time(
                audio.seconds,
                lambda job: self._inferences.attempt(job, audio, request, alone=False),
            )
        except HungError as hung:
            self._probe_if_left(hung)
            raise

    async def _until_answered(
        self, job: Job, audio: Recording, request: TranscriptionRequest
    ) -> Transcript:
        losses = hangs = 0
        alone = False
        while True:
            try:
                return await self._once_reached(job, audio, request, alone=alone)
            except BystanderError:
                pass
            except LostError:
                losses += 1
            except HungError as hung:
                hangs += 1
                self._probe_if_left(hung)
                if hangs == MAX_HANGS or not hung.restarted:
                    raise _hung() from None
            alone = True  # so that the next time shows whether it is the cause
            if losses == MAX_LOSSES:
                if not request.prompt:
                    raise await self._crashed(job)
                request, losses = replace(request, prompt=""), MAX_LOSSES - 1

    async def _once_reached(
        self, job: Job, audio: Recording, request: TranscriptionRequest, *, alone: bool
    ) -> Transcript:
        """Make an attempt, once whisper-server can be reached, or raise what `attempt` raises."""
        failed: float | None = None
        while True:
            try:
                return await self._inferences.attempt(job, audio, request, alone=alone)
            except NotReachedError:
                self._monitor.record("unreachable")
            except LostError as lost:
                if lost.started:
                    raise
            failed = failed or time.monotonic()
            since = self._monitor.unreachable_since or failed
            if time.monotonic() >= since + self._max_wait:
                raise _unavailable()
            await asyncio.sleep(RETRY_SECONDS)

    async def _crashed(self, job: Job) -> ApiError:
        """Return the error for a request in which whisper-server died every time."""
        try:
            await self._once_reached(job, probe.AUDIO, probe.REQUEST, alone=True)
        except (LostError, BystanderError, HungError):
            return _unavailable()  # it dies of any
        except ApiError as error:
            if error.status == 503:  # it is not back; anything else is an answer
                return error
        message = "whisper-server crashed on this audio, twice. It is not tried again."
        return ApiError(422, message, param="file", code="audio_crashes_server")

    def _probe_if_left(self, hung: HungError) -> None:
        """Have a whisper-server that hangs and was not restarted probed."""
        if not hung.restarted:
            self._probe_later(self._probe_until_it_answers)

    def _probe_later(self, coroutine: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(coroutine())

    async def _probe_once(self) -> None:
        """Find out whether an inference hangs that nobody waits for any more."""
        try:
            await self.transcribe(probe.AUDIO, probe.REQUEST)
        except ApiError as error:
            LOG.warning("whisper-server was probed: outcome=%s", error.code)

    async def _probe_until_it_answers(self) -> None:
        """Find out when a whisper-server that was not restarted does not hang any more.

        Nobody else would, where a load balancer sends nothing to what is unavailable.
        """
        while self._monitor.hung:
            await asyncio.sleep(PROBE_SECONDS)
            await self._probe_once()

    def close(self) -> None:
        """End a probe that is under way."""
        if self._probe:
            self._probe.cancel()


def _unavailable() -> ApiError:
    message = "whisper-server does not answer."
    return ApiError(503, message, code="upstream_unavailable", headers=RETRY_AFTER)


def _hung() -> ApiError:
    message = "whisper-server took too long to answer."
    return ApiError(504, message, code="upstream_timeout", headers=NO_RETRY)
