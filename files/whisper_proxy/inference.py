"""One inference: how long it may take, and what follows when whisper-server dies or hangs in it."""

import asyncio
import logging
import math
import time
from typing import Protocol

from .admission import AdmissionQueue, Job
from .audio import Audio
from .errors import ApiError
from .fields import TranscriptionRequest
from .gate import Gate
from .log_context import add_log_context
from .metrics import Metrics
from .restart import Restarter
from .transcript import Transcript
from .upstream import LostError, NotReachedError, Upstream
from .upstream_monitor import UpstreamMonitor

LOG = logging.getLogger(__name__)


class Recording(Audio, Protocol):
    """Audio whose duration is known."""

    @property
    def seconds(self) -> float:
        """Duration in seconds."""


class HungError(Exception):
    """There was no answer in the time that the inference may take.

    restarted: whether whisper-server was restarted for it.
    """

    def __init__(self, *, restarted: bool) -> None:
        super().__init__(f"restarted={restarted}")
        self.restarted = restarted


class BystanderError(Exception):
    """whisper-server was lost in mid-inference, but another one may be the cause."""


class Inferences:
    """Runs inferences on whisper-server, and restarts it when one hangs."""

    def __init__(
        self,
        upstream: Upstream,
        admission: AdmissionQueue,
        monitor: UpstreamMonitor,
        metrics: Metrics,
        restarter: Restarter,
    ) -> None:
        self._upstream = upstream
        self._admission = admission
        self._monitor = monitor
        self._metrics = metrics
        self._restarter = restarter
        self._gate = Gate()
        self._died = False  # it was lost in mid-inference, and has not been heard of since
        self._killed = -math.inf  # when, on the monotonic clock
        self._restart: asyncio.Task[bool] | None = None

    async def attempt(
        self, job: Job, audio: Recording, request: TranscriptionRequest, *, alone: bool
    ) -> Transcript:
        """Return the transcript, or raise ApiError if whisper-server reports an error.

        alone: with no other inference beside it. Raises NotReachedError, LostError, BystanderError
        or HungError if a retry may help. Cancelling this call ends the inference too.
        """
        async with self._gate.passage(alone=alone) as passage:
            await self._check_alive()
            began = time.monotonic()
            try:
                return await self._infer(job, audio, request)
            except LostError as lost:
                self._note_loss(lost, audio)
                if lost.started and not (passage.alone and began > self._killed):
                    raise BystanderError from lost
                raise
            except TimeoutError:
                self._note_hang(audio, time.monotonic() - began)
                raise HungError(restarted=await self._restarted()) from None

    async def _check_alive(self) -> None:
        """Raise NotReachedError if it is stopped, or died and has not said since that it is back.

        While a core is dumped or memory freed, the kernel takes connections for the process that
        is dying. Those would be lost too.
        """
        if self._monitor.idle:
            raise NotReachedError
        if not self._died:
            return
        await self._monitor.check()
        if self._monitor.state == "unreachable":
            raise NotReachedError
        self._died = False

    async def _infer(self, job: Job, audio: Recording, request: TranscriptionRequest) -> Transcript:
        cost = self._admission.cost
        began = time.monotonic()
        try:
            with job.inferring():
                # Those beside it count, as whisper-server computes one after the other.
                async with asyncio.timeout(cost.limit(self._admission.audio_seconds)):
                    transcript = await self._upstream.transcribe(audio, request)
        except ApiError:
            self._monitor.hung = False  # it is an answer
            raise
        seconds = time.monotonic() - began
        cost.record(audio.seconds, seconds)
        self._monitor.record_answer()
        if job.asked_for:  # the same sound again and again, in short pieces, tells of no speed
            self._metrics.record_inference(seconds, transcript.duration)
        add_log_context(inference_ms=round(seconds * 1000))
        return transcript

    def _note_loss(self, lost: LostError, audio: Recording) -> None:
        LOG.warning("lost whisper-server: started=%s audio_bytes=%d", lost.started, audio.size)
        self._metrics.lost.inc()
        if lost.started:
            self._monitor.record_death()
            self._died = True

    def _note_hang(self, audio: Recording, seconds: float) -> None:
        LOG.error("whisper-server hangs: seconds=%d audio_seconds=%d", seconds, audio.seconds)
        self._metrics.hung.inc()
        self._monitor.record_hung()

    async def _restarted(self) -> bool:
        # One restart for all that hang at once; it goes on if the client goes away.
        if self._restart is None or self._restart.done():
            self._restart = asyncio.create_task(self._kill())
        return await asyncio.shield(self._restart)

    async def _kill(self) -> bool:
        before, self._killed = self._killed, time.monotonic()
        if not await self._restarter.restart():
            self._killed = before
            return False
        self._died = True
        self._monitor.record_death()
        return True

    def close(self) -> None:
        """End a restart that is under way."""
        if self._restart:
            self._restart.cancel()
