"""POST /v1/audio/transcriptions and /v1/audio/translations."""

from contextlib import ExitStack

from aiohttp import web

from .audio import MIN_SECONDS
from .decode import Wav
from .fields import Form, TranscriptionRequest, parse
from .keys import AUDIO_BYTES, DECODER, DISPATCH, IDLE_STOP, SETTINGS, SPOOLS
from .languages import LANGUAGES
from .offload import offload
from .render import render
from .settings import Settings
from .transcript import Transcript
from .upload import read_form

LONG_SECONDS = 300.0  # of audio: its words are rendered in 10 ms


async def transcribe(request: web.Request) -> web.Response:
    """Transcribe the uploaded audio into the requested format."""
    return await _create(request, translate=False)


async def translate(request: web.Request) -> web.Response:
    """Transcribe the uploaded audio and translate it into English."""
    return await _create(request, translate=True)


async def _create(request: web.Request, *, translate: bool) -> web.Response:
    with request.app[SPOOLS].upload() as upload, ExitStack() as open_request:
        form = await read_form(
            request, upload, lambda: open_request.enter_context(request.app[IDLE_STOP].request())
        )
        request[AUDIO_BYTES] = upload.size
        transcription_request = _parsed(form, request.app[SETTINGS], translate)
        async with request.app[DECODER].as_wav(upload) as wav:
            transcript = await _transcript(request, wav, transcription_request)
    long = transcript.duration > LONG_SECONDS
    answer = await offload(long, render, transcript, transcription_request)
    return web.Response(text=answer.text, content_type=answer.content_type, charset="utf-8")


def _parsed(form: Form, settings: Settings, translate: bool) -> TranscriptionRequest:
    return parse(
        form,
        english_only=settings.english_only,
        cantonese=settings.cantonese,
        translate=translate,
    )


async def _transcript(
    request: web.Request, wav: Wav, transcription_request: TranscriptionRequest
) -> Transcript:
    """Return the transcript, an empty one for audio shorter than MIN_SECONDS.

    OpenAI refuses such audio with a 400, at which clients fall back to another service or show an
    error. But someone who only tapped a dictation key has said nothing, so nothing is the answer.
    """
    if wav.seconds < MIN_SECONDS:
        language = LANGUAGES.get(transcription_request.language, "")
        return Transcript(language=language, duration=wav.seconds)
    return await request.app[DISPATCH].transcribe(wav, transcription_request)
