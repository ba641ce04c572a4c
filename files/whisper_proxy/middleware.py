"""Around every request: an id, OpenAI's error object for whatever goes wrong, one log line."""

import asyncio
import logging
import time
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from .errors import ApiError
from .keys import AUDIO_BYTES, REQUEST_ID

LOG = logging.getLogger(__name__)
CLIENT_CLOSED_REQUEST = 499  # nginx's number, in the log only


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its id and log it: id, method, path, status, audio bytes, milliseconds.

    Neither the query nor any field is logged, for they may hold words.
    """
    request[REQUEST_ID] = f"req_{uuid.uuid4().hex}"
    started = time.monotonic()
    status = CLIENT_CLOSED_REQUEST
    try:
        response = await _answer(request, handler)
        response.headers["x-request-id"] = request[REQUEST_ID]
        status = response.status
        return response
    finally:
        _log(request, status, time.monotonic() - started)


def _log(request: web.Request, status: int, seconds: float) -> None:
    LOG.info(
        "%s %s %s %d audio_bytes=%d ms=%.0f",
        request[REQUEST_ID],
        request.method,
        request.rel_url.raw_path,  # still escaped: no line break can get in
        status,
        request.get(AUDIO_BYTES, 0),
        seconds * 1000,
    )


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return _response(error)
    except web.HTTPException as error:
        return _response(_from_aiohttp(request, error))
    except (asyncio.CancelledError, ConnectionError):
        raise  # the client has gone
    except Exception:
        LOG.exception("%s failed", request[REQUEST_ID])
        return _response(ApiError(500, "The proxy failed. Its log says why.", code="internal"))


def _response(error: ApiError) -> web.Response:
    return web.json_response(error.body(), status=error.status, headers=error.headers)


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> ApiError:
    """Return aiohttp's own errors, mostly the router's, in OpenAI's form."""
    if isinstance(error, web.HTTPNotFound):
        return ApiError(404, f"There is no {request.path}.", code="unknown_url")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = {"Allow": error.headers["Allow"]}
        message = f"{request.path} does not take {request.method}."
        return ApiError(405, message, code="method_not_allowed", headers=allow)
    return ApiError(error.status, error.reason)
