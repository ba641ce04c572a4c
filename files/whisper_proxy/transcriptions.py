"""POST /v1/audio/transcriptions."""

from aiohttp import web

from . import fields
from .keys import AUDIO_BYTES, SETTINGS, UPSTREAM
from .render import render
from .upload import Spool, read_form


async def create(request: web.Request) -> web.Response:
    """Transcribe the uploaded audio, in the form that was asked for."""
    with Spool() as audio:
        form = await read_form(request, audio)
        request[AUDIO_BYTES] = audio.size
        wanted = fields.parse(form, english_only=request.app[SETTINGS].english_only)
        transcript = await request.app[UPSTREAM].transcribe(audio, wanted)
    answer = render(transcript, wanted.response_format)
    return web.Response(text=answer.text, content_type=answer.content_type, charset="utf-8")
