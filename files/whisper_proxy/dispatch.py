"""Sends requests to whisper-server: in order, and again if it was lost before it answered."""

import asyncio
import logging
import time

from .admission import AdmissionQueue
from .errors import ApiError
from .fields import TranscriptionRequest
from .log_context import add_log_context
from .metrics import Metrics
from .transcript import Transcript
from .upstream import Audio, LostError, NotReachedError, Upstream
from .upstream_monitor import UpstreamMonitor

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 0.02  # between attempts: a refused connection on loopback costs 0.3 ms
MAX_LOSSES = 2
# A whisper-server that died is back within a few seconds, its model loaded.
RETRY_AFTER = {"Retry-After": "5"}


class Dispatcher:
    """Queues a completely received request, and retries it until there is an answer."""

    def __init__(
        self,
        upstream: Upstream,
        admission: AdmissionQueue,
        monitor: UpstreamMonitor,
        metrics: Metrics,
        max_wait: float,
    ) -> None:
        self._upstream = upstream
        self._admission = admission
        self._monitor = monitor
        self._metrics = metrics
        self._max_wait = max_wait

    async def transcribe(self, audio: Audio, request: TranscriptionRequest) -> Transcript:
        """Return the transcript of the audio, or raise ApiError.

        If whisper-server becomes unreachable, the request is retried for `max_wait` seconds from
        when that was first noticed. Cancelling this call ends the inference too.

        A recording is refused with 422 if whisper-server was lost MAX_LOSSES times after it had
        received all of it. An operator's restart does not count: on SIGTERM whisper-server answers
        the requests it has and then refuses connections. Nor does a loss before the recording was
        sent. Only a second SIGKILL, during the inference right after the first, would be taken for
        a crash.
        """
        queued = time.monotonic()
        async with self._admission.admitted():
            waited = time.monotonic() - queued
            self._metrics.wait_seconds.observe(waited)
            add_log_context(wait_ms=round(waited * 1000))
            return await self._until_answered(audio, request)

    async def _until_answered(self, audio: Audio, request: TranscriptionRequest) -> Transcript:
        losses = 0
        deadline: float | None = None
        while True:
            try:
                return await self._attempt(audio, request)
            except NotReachedError:
                self._monitor.record("unreachable")
            except LostError as lost:
                losses += lost.started
                LOG.warning("lost whisper-server: losses=%d audio_bytes=%d", losses, audio.size)
                self._metrics.lost.inc()
                add_log_context(losses=losses)
            if losses == MAX_LOSSES:
                raise _crashing()
            deadline = deadline or self._deadline()
            if time.monotonic() >= deadline:
                raise _unavailable()
            await asyncio.sleep(RETRY_SECONDS)

    def _deadline(self) -> float:
        return (self._monitor.unreachable_since or time.monotonic()) + self._max_wait

    async def _attempt(self, audio: Audio, request: TranscriptionRequest) -> Transcript:
        started = time.monotonic()
        transcript = await self._upstream.transcribe(audio, request)
        seconds = time.monotonic() - started
        self._admission.record_duration(seconds)
        self._monitor.record("ready")
        self._metrics.record_inference(seconds, transcript.duration)
        add_log_context(inference_ms=round(seconds * 1000))
        return transcript


def _unavailable() -> ApiError:
    message = "whisper-server does not answer."
    return ApiError(503, message, code="upstream_unavailable", headers=RETRY_AFTER)


def _crashing() -> ApiError:
    message = "whisper-server crashed on this audio, twice. It is not tried again."
    return ApiError(422, message, param="file", code="audio_crashes_server")
