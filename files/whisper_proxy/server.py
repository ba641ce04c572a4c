"""Runs the server: listens, serves, and on a stop signal finishes the requests in flight."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Sequence
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from .app import create_app
from .errors import ApiError
from .keys import IN_FLIGHT
from .listen import Listener
from .middleware import new_id
from .notify import Notifier
from .settings import Settings

LOG = logging.getLogger("whisper_proxy")
# For requests that outlast the drain; aiohttp waits this long twice.
CUT_OFF_SECONDS = 0.5


async def serve(settings: Settings, listening: Sequence[socket.socket], notifier: Notifier) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight."""
    app = create_app(settings)
    # Cancel when the client disconnects, so that whisper-server aborts the inference.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=CUT_OFF_SECONDS)
    await set_up(runner)
    stop = _stop_signal()
    gc.freeze()  # startup objects live forever: keep the garbage collector from scanning them
    listener = Listener(listening, lambda: _protocol(runner, settings))
    names = " and ".join(_name(one) for one in listening)
    listener.start()
    watchdog = asyncio.create_task(notifier.keep_alive())
    notifier.send("READY=1")
    LOG.info("listening on %s for %s", names, settings.upstream)
    await stop.wait()
    notifier.send("STOPPING=1")
    await listener.stop()
    left = await app[IN_FLIGHT].drain(settings.drain_timeout)
    LOG.info("stopping: requests_cut_off=%d", left)
    await runner.cleanup()
    watchdog.cancel()


async def set_up(runner: web.AppRunner) -> None:
    """Set up the runner, and refuse unknown expectations.

    RFC 9110 defines only 100-continue. aiohttp would answer others itself, past the middleware.
    """
    await runner.setup()
    assert runner.server
    handler = runner.server.request_handler

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        expected = request.headers.get(hdrs.EXPECT, "100-continue")
        if expected.lower() == "100-continue":
            return await handler(request)
        return _refused(417, "Expect may only be 100-continue.", "unknown_expectation")

    runner.server.request_handler = handle


def _refused(status: int, message: str, code: str) -> web.Response:
    """Return the response to a request that the application never sees, and log it."""
    request_id = new_id()
    LOG.info("request id=%s status=%d outcome=%s", request_id, status, code)
    response = ApiError(status, message, code=code, headers={"x-request-id": request_id}).response()
    response.force_close()
    return response


class Protocol(web.RequestHandler):
    """aiohttp's protocol, but invalid HTTP gets OpenAI's error object and no traceback."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return a 400 if the HTTP parser refused the request."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        message = "The request is not valid HTTP, or its headers are too large."
        return _refused(400, message, "invalid_http")

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log an exception, except for a broken body, which has already been answered."""
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kw)


def _protocol(runner: web.AppRunner, settings: Settings) -> Protocol:
    assert runner.server
    return Protocol(
        runner.server,
        loop=asyncio.get_running_loop(),
        access_log=None,  # type: ignore[arg-type]  # the middleware writes it
        keepalive_timeout=settings.idle_timeout,
        auto_decompress=False,  # clients do not compress, and a few bytes could expand to gigabytes
    )


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _name(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"{host} port {port}"
