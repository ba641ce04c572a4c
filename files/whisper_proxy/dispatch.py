"""From the spooled requests to whisper-server: each in its turn, and again when it was lost."""

import asyncio
import logging
import time

from .errors import ApiError
from .fields import Transcription
from .metrics import Metrics
from .notes import note
from .transcript import Transcript
from .turns import Turns
from .upstream import Audio, LostError, NotReachedError, Upstream
from .watch import Watch

LOG = logging.getLogger(__name__)

AGAIN_SECONDS = 0.02  # between attempts: a refused connection on loopback costs 0.3 ms
MAX_LOSSES = 2
# whisper-server is back, its model loaded, a few seconds after it died.
RETRY_AFTER = {"Retry-After": "5"}


class Dispatcher:
    """Takes a request when it is whole, and keeps it until there is an answer."""

    def __init__(
        self, upstream: Upstream, turns: Turns, watch: Watch, metrics: Metrics, max_wait: float
    ) -> None:
        self._upstream = upstream
        self._turns = turns
        self._watch = watch
        self._metrics = metrics
        self._max_wait = max_wait

    async def transcribe(self, audio: Audio, wanted: Transcription) -> Transcript:
        """Return what is said in the audio, or raise ApiError.

        A whisper-server that goes away is waited for, `max_wait` seconds from when it was first
        missed, and asked again. Who cancels this ends the inference too.

        A recording is blamed, and refused with 422, when whisper-server was lost MAX_LOSSES times
        with the whole of it in hand. This assumes that an operator's restart does not look so:
        on SIGTERM whisper-server answers what it has and then refuses connections, which blames
        nobody, as does a loss before the recording was sent. Only a second SIGKILL in just the
        inference that follows the first would be taken for a crash.
        """
        asked = time.monotonic()
        async with self._turns.turn():
            waited = time.monotonic() - asked
            self._metrics.wait_seconds.observe(waited)
            note(wait_ms=round(waited * 1000))
            return await self._until_answered(audio, wanted)

    async def _until_answered(self, audio: Audio, wanted: Transcription) -> Transcript:
        losses = 0
        give_up: float | None = None
        while True:
            try:
                return await self._attempt(audio, wanted)
            except NotReachedError:
                self._watch.saw("unreachable")
            except LostError as lost:
                losses += lost.started
                LOG.warning("lost whisper-server: losses=%d audio_bytes=%d", losses, audio.size)
                self._metrics.lost.inc()
                note(losses=losses)
            if losses == MAX_LOSSES:
                raise _crashing()
            give_up = give_up or (self._watch.away_since or time.monotonic()) + self._max_wait
            if time.monotonic() >= give_up:
                raise _away()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _attempt(self, audio: Audio, wanted: Transcription) -> Transcript:
        started = time.monotonic()
        transcript = await self._upstream.transcribe(audio, wanted)
        seconds = time.monotonic() - started
        self._turns.took(seconds)
        self._watch.saw("ready")
        self._metrics.inferred(seconds, transcript.duration)
        note(inference_ms=round(seconds * 1000))
        return transcript


def _away() -> ApiError:
    message = "whisper-server does not answer."
    return ApiError(503, message, code="upstream_unavailable", headers=RETRY_AFTER)


def _crashing() -> ApiError:
    message = "whisper-server crashed on this audio, twice. It is not tried again."
    return ApiError(422, message, param="file", code="audio_crashes_server")
