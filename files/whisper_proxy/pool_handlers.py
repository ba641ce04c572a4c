"""A gateway's answers: those of the pool's members, as they gave them."""

from urllib.parse import quote

from aiohttp import web

from .errors import ApiError
from .keys import AUDIO_BYTES, OUTCOME, POOL, POOL_DISPATCH, SPOOLS
from .pool import Answer, Form, NoAnswerError
from .pool_dispatch import RETRY_AFTER
from .upload import read_body


async def transcribe(request: web.Request) -> web.Response:
    """Have a member transcribe the uploaded audio."""
    return await _create(request, "/v1/audio/transcriptions")


async def translate(request: web.Request) -> web.Response:
    """Have a member translate the uploaded audio."""
    return await _create(request, "/v1/audio/translations")


async def _create(request: web.Request, path: str) -> web.Response:
    with request.app[SPOOLS].upload() as body:
        await read_body(request, body)
        request[AUDIO_BYTES] = body.size
        form = Form(path, body, request.headers["Content-Type"])
        answer = await request.app[POOL_DISPATCH].transcribe(form)
    return _passed_on(request, answer)


async def models(request: web.Request) -> web.Response:
    """List what a member serves."""
    return await _asked(request, "/v1/models")


async def model(request: web.Request) -> web.Response:
    """Describe a model, as a member does."""
    return await _asked(request, f"/v1/models/{quote(request.match_info['name'], safe='')}")


async def _asked(request: web.Request, path: str) -> web.Response:
    try:
        answer = await request.app[POOL].get(path)
    except NoAnswerError as error:
        message = "No member of the pool answers."
        raise ApiError(503, message, code="upstream_unavailable", headers=RETRY_AFTER) from error
    return _passed_on(request, answer)


def _passed_on(request: web.Request, answer: Answer) -> web.Response:
    if answer.status >= 400:
        request[OUTCOME] = answer.code or "error"
    return web.Response(body=answer.body, status=answer.status, headers=answer.headers)
