"""The small answers: what is served, and whether it is alive."""

from typing import Any

from aiohttp import web

from . import __version__
from .errors import ApiError, shown
from .keys import SETTINGS, UPSTREAM

ALIAS = "whisper-1"  # the name that clients of OpenAI probe for
CREATED = 1677532384  # Unix seconds: what OpenAI's API says of whisper-1
HEALTHY = {"ready", "busy"}


async def root(_: web.Request) -> web.Response:
    """Answer 200 to those who only ask whether something is here."""
    return web.Response(text="whisper proxy: POST /v1/audio/transcriptions\n")


async def health(request: web.Request) -> web.Response:
    """Answer 200 when whisper-server can take requests, 503 when not."""
    state = await request.app[UPSTREAM].state()
    healthy = state in HEALTHY
    body = {
        "status": "ok" if healthy else "unavailable",
        "whisper_server": state,
        "model": request.app[SETTINGS].model,
        "version": __version__,
    }
    return web.json_response(body, status=200 if healthy else 503)


async def models(request: web.Request) -> web.Response:
    """List the served model and its alias."""
    data = [_model(name) for name in _names(request)]
    return web.json_response({"object": "list", "data": data})


async def model(request: web.Request) -> web.Response:
    """Describe one of the listed models."""
    name = request.match_info["name"]
    if name not in _names(request):
        message = f"The model {shown(name)} does not exist."
        raise ApiError(404, message, param="model", code="model_not_found")
    return web.json_response(_model(name))


def _names(request: web.Request) -> list[str]:
    return list(dict.fromkeys([request.app[SETTINGS].model, ALIAS]))


def _model(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "whisper.cpp",
    }
