"""For every request: an id, one log line, and OpenAI's error object if it fails."""

import asyncio
import logging
import time
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from .errors import ApiError
from .keys import AUDIO_BYTES, IN_FLIGHT, METRICS, OUTCOME, REQUEST_ID
from .listen import OUT_OF_RESOURCES
from .log_context import begin_log_context
from .spool import DISK_FULL, RETRY_AFTER, disk_full

LOG = logging.getLogger(__name__)
# The page asks for it every few seconds.
POLLED = ("/status",)
CLIENT_CLOSED_REQUEST = 499  # nginx's number, in the log only


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, count it, and log it as one line of key=value pairs.

    The query string and the form fields are never logged: they may contain speech.
    """
    request[REQUEST_ID] = new_id()
    context = begin_log_context()
    started = time.monotonic()
    status, outcome = CLIENT_CLOSED_REQUEST, "client_gone"
    try:
        with request.app[IN_FLIGHT].track():
            response, outcome = await _answer(request, handler)
        status = response.status
        return response
    finally:
        context["ms"] = round((time.monotonic() - started) * 1000)
        _log(request, status, outcome, context)
        request.app[METRICS].record_request(_route(request), outcome)


def new_id() -> str:
    """Return an id for one request, in OpenAI's form."""
    return f"req_{uuid.uuid4().hex}"


async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Send the request id, and close the connection if the process is draining."""
    response.headers["x-request-id"] = request[REQUEST_ID]
    if request.app[IN_FLIGHT].draining:
        response.force_close()
        response.headers["Connection"] = "close"  # aiohttp has set its headers before this


def _route(request: web.Request) -> str:
    # Not the path: a client could invent any number of them, each a new metric.
    resource = request.match_info.route.resource
    canonical = resource.canonical if resource else "none"
    return canonical.replace("/{base}", "/v1/").removesuffix("{slash}")


def _log(request: web.Request, status: int, outcome: str, context: dict[str, int | str]) -> None:
    LOG.log(
        logging.DEBUG if status == 200 and request.path in POLLED else logging.INFO,
        "request id=%s method=%s path=%s status=%d outcome=%s audio_bytes=%d %s",
        request[REQUEST_ID],
        request.method,
        request.rel_url.raw_path,  # still escaped, so without spaces and line breaks
        status,
        outcome,
        request.get(AUDIO_BYTES, 0),
        " ".join(f"{name}={value}" for name, value in context.items()),
    )


async def _answer(request: web.Request, handler: Handler) -> tuple[web.StreamResponse, str]:
    """Return the response and its outcome: "ok" or an error code."""
    try:
        response = await handler(request)
        return response, request.get(OUTCOME, "ok")
    except ApiError as caught:
        error = caught
    except web.HTTPException as caught:
        error = _from_aiohttp(request, caught)
    except (asyncio.CancelledError, ConnectionError):
        raise  # the client disconnected
    except Exception as caught:
        error = _exhausted(caught) or _internal(request)
    return error.response(), error.code or "error"


def _exhausted(error: Exception) -> ApiError | None:
    """Return the error for a disk or a process table that is full; None for another failure."""
    number = error.errno if isinstance(error, OSError) else None
    if number in DISK_FULL:
        return disk_full()
    if number in OUT_OF_RESOURCES:
        message = "The proxy has too much to do. Try again."
        return ApiError(503, message, code="out_of_resources", headers=RETRY_AFTER)
    return None


def _internal(request: web.Request) -> ApiError:
    LOG.exception("%s failed", request[REQUEST_ID])
    return ApiError(500, "The proxy failed. Its log says why.", code="internal")


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> ApiError:
    """Convert an error of aiohttp itself, usually of its router."""
    if isinstance(error, web.HTTPNotFound):
        return ApiError(404, f"There is no {request.path}.", code="unknown_url")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = {"Allow": error.headers["Allow"]}
        message = f"{request.path} does not take {request.method}."
        return ApiError(405, message, code="method_not_allowed", headers=allow)
    return ApiError(error.status, error.reason)
