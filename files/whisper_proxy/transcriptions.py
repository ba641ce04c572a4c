"""POST /v1/audio/transcriptions and /v1/audio/translations."""

from aiohttp import web

from .decode import Wav
from .fields import Transcription, parse
from .keys import AUDIO_BYTES, DECODER, DISPATCH, SETTINGS
from .languages import LANGUAGES
from .render import render
from .transcript import Transcript
from .upload import Spool, read_form

MIN_SECONDS = 0.1  # of audio, below which Whisper makes nothing of it, and v1.7 fails


async def transcribe(request: web.Request) -> web.Response:
    """Answer with what is said in the uploaded audio, in the form that was asked for."""
    return await _create(request, translate=False)


async def translate(request: web.Request) -> web.Response:
    """Answer with the same in English."""
    return await _create(request, translate=True)


async def _create(request: web.Request, *, translate: bool) -> web.Response:
    with Spool() as upload:
        form = await read_form(request, upload)
        request[AUDIO_BYTES] = upload.size
        english_only = request.app[SETTINGS].english_only
        wanted = parse(form, english_only=english_only, translate=translate)
        async with request.app[DECODER].as_wav(upload) as wav:
            transcript = await _transcript(request, wav, wanted)
    answer = render(transcript, wanted)
    return web.Response(text=answer.text, content_type=answer.content_type, charset="utf-8")


async def _transcript(request: web.Request, wav: Wav, wanted: Transcription) -> Transcript:
    """Return the transcript: one without words for audio under MIN_SECONDS.

    OpenAI refuses that with a 400, for which clients fall back to another service, or show an
    error: but who only touched the key of a dictation has said nothing, and is answered so.
    """
    if wav.seconds < MIN_SECONDS:
        return Transcript(language=LANGUAGES.get(wanted.language, ""), duration=wav.seconds)
    return await request.app[DISPATCH].transcribe(wav, wanted)
