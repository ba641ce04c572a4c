"""Who transcribes the turns of live sessions: whisper-server, or a pool; as they do files."""

import io
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Protocol

from .audio import BYTES_A_SECOND, MIN_SECONDS, wav_bytes
from .decode import Wav
from .details import details
from .dispatch import Dispatcher
from .errors import ApiError
from .fields import Form, TranscriptionRequest, parse
from .idle import IdleStop
from .inference import BystanderError, HungError
from .pool import Answer, NoAnswerError
from .pool import Form as PoolForm
from .pool_dispatch import PoolDispatcher
from .settings import Settings
from .speech import only_speech
from .transcript import Transcript
from .transfer import form_around_audio
from .upstream import LostError, NotReachedError

PATH = "/v1/audio/transcriptions"
Heard = Mapping[str, Any]


class Transcriber(Protocol):
    """Transcribes 16-bit PCM of 16 kHz. What is heard has the form of an answer in `json`."""

    def check(self, form: Form) -> None:
        """Raise ApiError unless these fields can be fulfilled, as far as that is known here."""

    def awake(self) -> AbstractContextManager[None]:
        """Have what transcribes run, for the duration of the context."""

    async def transcribe(self, pcm: bytes, form: Form) -> Heard:
        """Return what is heard, in its turn, or raise ApiError: 503 if another try may help."""

    async def transcribe_if_idle(self, pcm: bytes, form: Form) -> Heard | None:
        """Return what is heard if nothing else is to be done, otherwise None, or raise ApiError."""


class Local:
    """Has whisper-server transcribe."""

    def __init__(self, dispatcher: Dispatcher, idle_stop: IdleStop, settings: Settings) -> None:
        self._dispatcher = dispatcher
        self._settings = settings
        self.awake = idle_stop.request

    def check(self, form: Form) -> None:
        """Raise ApiError unless these fields can be fulfilled."""
        self._request(form)

    def _request(self, form: Form) -> TranscriptionRequest:
        return parse(
            form,
            english_only=self._settings.english_only,
            cantonese=self._settings.cantonese,
            translate=False,
        )

    async def transcribe(self, pcm: bytes, form: Form) -> Heard:
        """Return what is heard, in its turn."""
        request, recording = self._request(form), wav(pcm)
        if recording.seconds < MIN_SECONDS:
            return _heard(Transcript(duration=recording.seconds), request)
        return _heard(await self._dispatcher.transcribe(recording, request), request)

    async def transcribe_if_idle(self, pcm: bytes, form: Form) -> Heard | None:
        """Return what is heard if whisper-server has nothing else to do."""
        request = self._request(form)
        try:
            found = await self._dispatcher.transcribe_if_idle(wav(pcm), request)
        except (NotReachedError, LostError, BystanderError, HungError) as error:
            raise ApiError(503, "whisper-server was lost.", code="upstream_unavailable") from error
        return _heard(found, request) if found else None


def _heard(transcript: Transcript, request: TranscriptionRequest) -> Heard:
    spoken = only_speech(transcript)
    return {"text": spoken.text, **details(spoken, request)}


class Pooled:
    """Has a pool transcribe."""

    def __init__(self, dispatcher: PoolDispatcher) -> None:
        self._dispatcher = dispatcher

    def check(self, form: Form) -> None:
        """Raise ApiError unless these fields can be fulfilled, whatever model the members have."""
        parse(form, english_only=False, cantonese=True, translate=False)

    def awake(self) -> AbstractContextManager[None]:
        """Do nothing: members see to it themselves."""
        return nullcontext()

    async def transcribe(self, pcm: bytes, form: Form) -> Heard:
        """Return what a member hears."""
        return _answered(await self._dispatcher.transcribe(_upload(pcm, form)))

    async def transcribe_if_idle(self, pcm: bytes, form: Form) -> Heard | None:
        """Return what a member hears if one has nothing else to do."""
        try:
            answer = await self._dispatcher.transcribe_if_idle(_upload(pcm, form))
        except NoAnswerError as error:
            raise ApiError(503, "A member was lost.", code="upstream_unavailable") from error
        return _answered(answer) if answer else None


def _answered(answer: Answer) -> Heard:
    """Return a member's answer, or raise ApiError with the error that it is."""
    try:
        body = json.loads(answer.body)
        if answer.status < 400:
            return {**body, "text": str(body["text"])}
        problem = body["error"]
        raise ApiError(
            answer.status, problem["message"], param=problem["param"], code=problem["code"]
        )
    except (ValueError, LookupError, TypeError, RecursionError):
        message = "A member of the pool answered nonsense."
        raise ApiError(502, message, code="upstream_error") from None


def _upload(pcm: bytes, form: Form) -> PoolForm:
    fields = [(name, value) for name, values in form.items() for value in values]
    content_type, head, tail = form_around_audio(fields)
    body = head + wav_bytes(pcm) + tail
    whole = Wav(len(pcm) / BYTES_A_SECOND, len(body), partial(io.BytesIO, body))
    return PoolForm(PATH, whole, content_type)


def wav(pcm: bytes) -> Wav:
    """Return 16-bit PCM of 16 kHz as a WAV file."""
    body = wav_bytes(pcm)
    return Wav(len(pcm) / BYTES_A_SECOND, len(body), partial(io.BytesIO, body))
