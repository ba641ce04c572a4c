"""Around every request: an id, OpenAI's error object for whatever goes wrong, one log line."""

import asyncio
import logging
import time
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from . import notes
from .errors import ApiError
from .keys import AUDIO_BYTES, IN_FLIGHT, METRICS, REQUEST_ID

LOG = logging.getLogger(__name__)
CLIENT_CLOSED_REQUEST = 499  # nginx's number, in the log only


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its id, count it, and log it in one line of key=value.

    Neither the query nor any field is logged, for they may hold words.
    """
    request[REQUEST_ID] = new_id()
    learnt = notes.begin()
    started = time.monotonic()
    status, outcome = CLIENT_CLOSED_REQUEST, "client_gone"
    try:
        with request.app[IN_FLIGHT].one():
            response, outcome = await _answer(request, handler)
        status = response.status
        return response
    finally:
        learnt["ms"] = round((time.monotonic() - started) * 1000)
        _log(request, status, outcome, learnt)
        request.app[METRICS].requests.labels(_route(request), outcome).inc()


def new_id() -> str:
    """Return an id for one request, in OpenAI's form."""
    return f"req_{uuid.uuid4().hex}"


async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer its request's id, and close the connection when the process is to stop."""
    response.headers["x-request-id"] = request[REQUEST_ID]
    if request.app[IN_FLIGHT].draining:
        response.force_close()
        response.headers["Connection"] = "close"  # aiohttp has set its headers before this


def _route(request: web.Request) -> str:
    # Not the path: a client could make up one after another.
    resource = request.match_info.route.resource
    return resource.canonical if resource else "none"


def _log(request: web.Request, status: int, outcome: str, learnt: dict[str, int]) -> None:
    LOG.info(
        "request id=%s method=%s path=%s status=%d outcome=%s audio_bytes=%d %s",
        request[REQUEST_ID],
        request.method,
        request.rel_url.raw_path,  # still escaped: neither a space nor a line break can get in
        status,
        outcome,
        request.get(AUDIO_BYTES, 0),
        " ".join(f"{name}={value}" for name, value in learnt.items()),
    )


async def _answer(request: web.Request, handler: Handler) -> tuple[web.StreamResponse, str]:
    """Return the answer and its outcome: "ok", or an error's code."""
    try:
        return await handler(request), "ok"
    except ApiError as caught:
        error = caught
    except web.HTTPException as caught:
        error = _from_aiohttp(request, caught)
    except (asyncio.CancelledError, ConnectionError):
        raise  # the client has gone
    except Exception:
        LOG.exception("%s failed", request[REQUEST_ID])
        error = ApiError(500, "The proxy failed. Its log says why.", code="internal")
    return error.response(), error.code or "error"


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> ApiError:
    """Return aiohttp's own errors, mostly the router's, in OpenAI's form."""
    if isinstance(error, web.HTTPNotFound):
        return ApiError(404, f"There is no {request.path}.", code="unknown_url")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = {"Allow": error.headers["Allow"]}
        message = f"{request.path} does not take {request.method}."
        return ApiError(405, message, code="method_not_allowed", headers=allow)
    return ApiError(error.status, error.reason)
