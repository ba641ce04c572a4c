"""Runs the server: listens, serves, and on a stop signal finishes the requests in flight."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Sequence

from aiohttp import hdrs, web

from .app import create_app
from .connections import Connections
from .keys import CONNECTIONS, ENCRYPTION, IN_FLIGHT
from .listen import Listener
from .names import name_of
from .notify import Notifier
from .page import wants_page
from .peer import called_address, is_encrypted, is_local
from .protocol import BUFFER_BYTES, Protocol, refused
from .settings import Settings

LOG = logging.getLogger("whisper_proxy")
# For requests that outlast the drain; aiohttp waits this long twice.
CUT_OFF_SECONDS = 0.5


async def serve(settings: Settings, listening: Sequence[socket.socket], notifier: Notifier) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight."""
    stop = _stop_signal()
    app = create_app(settings, notifier)
    # Cancel when the client disconnects, so that whisper-server aborts the inference.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=CUT_OFF_SECONDS)
    await set_up(runner, encrypted=bool(settings.tls))
    gc.freeze()  # startup objects live forever: keep the garbage collector from scanning them
    connections = app[CONNECTIONS]
    listener = Listener(
        listening,
        lambda: new_protocol(runner, settings, connections),
        connections,
        app.get(ENCRYPTION),
    )
    names = " and ".join(_name(one) for one in listening)
    listener.start()
    watchdog = asyncio.create_task(notifier.keep_alive())
    watch = asyncio.create_task(connections.watch())
    notifier.send("READY=1")
    LOG.info("listening on %s for %s", names, settings.pool or settings.upstream)
    await stop.wait()
    notifier.send("STOPPING=1")
    await listener.stop()
    left = await app[IN_FLIGHT].drain(settings.drain_timeout)
    LOG.info("stopping: requests_cut_off=%d", left)
    await runner.cleanup()
    watchdog.cancel()
    watch.cancel()


async def set_up(runner: web.AppRunner, encrypted: bool = False) -> None:
    """Set up the runner, and refuse unknown expectations, and plain HTTP where TLS is on.

    RFC 9110 defines only 100-continue. aiohttp would answer others itself, past the middleware.
    """
    await runner.setup()
    assert runner.server
    handler = runner.server.request_handler

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        expected = request.headers.get(hdrs.EXPECT, "100-continue")
        if expected.lower() != "100-continue":
            return refused(417, "Expect may only be 100-continue.", "unknown_expectation")
        if encrypted and not is_encrypted(request) and not is_local(request):
            return _without_tls(request)
        assert isinstance(request.protocol, Protocol)
        with request.protocol.serving():
            return await handler(request)

    runner.server.request_handler = handle


def new_protocol(runner: web.AppRunner, settings: Settings, connections: Connections) -> Protocol:
    """Return the protocol of a connection that has just been accepted."""
    assert runner.server
    return Protocol(
        runner.server,
        connections,
        loop=asyncio.get_running_loop(),
        access_log=None,  # the middleware writes it
        keepalive_timeout=settings.idle_timeout,
        auto_decompress=False,  # clients do not compress, and a few bytes could expand to gigabytes
        read_bufsize=BUFFER_BYTES,
    )


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _without_tls(request: web.BaseRequest) -> web.Response:
    """Send a browser that opens the page to HTTPS, and refuse whatever else comes without."""
    there = _https(request)
    if request.method == hdrs.METH_GET and wants_page(request.headers.get(hdrs.ACCEPT, "")):
        return web.Response(status=307, headers={hdrs.LOCATION: f"{there}/"})
    return refused(400, f"This port speaks TLS: call {there}.", "tls_required")


def _https(request: web.BaseRequest) -> str:
    """Return where the client is to call instead, by the name that it has called."""
    # What is no HOST:PORT is not sent back.
    host = request.host if name_of(request.host) else called_address(request)
    return f"https://{host}"


def _name(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"{host} port {port}"
