"""GET /v1/models: one model, under every name that clients know."""

from typing import Any

from aiohttp import web

from .errors import ApiError, quoted
from .keys import SETTINGS

# The names in OpenAI's client (`AudioModel`), except the one with speaker diarization.
OPENAI_NAMES = (
    "whisper-1",
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
)
CREATED = 1677532384  # Unix time, as OpenAI's API gives for whisper-1


async def models(request: web.Request) -> web.Response:
    """List the served model under its own name, then under OpenAI's."""
    data = [_model(name) for name in _names(request)]
    return web.json_response({"object": "list", "data": data})


async def model(request: web.Request) -> web.Response:
    """Describe one of the listed models."""
    name = request.match_info["name"]
    if name not in _names(request):
        message = f"The model {quoted(name)} does not exist."
        raise ApiError(404, message, param="model", code="model_not_found")
    return web.json_response(_model(name))


def _names(request: web.Request) -> list[str]:
    return list(dict.fromkeys([request.app[SETTINGS].model, *OPENAI_NAMES]))


def _model(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "whisper.cpp",
    }
