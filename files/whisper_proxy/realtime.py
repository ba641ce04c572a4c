"""GET /v1/realtime: live transcription over a WebSocket; and the client secrets for it."""

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from aiohttp.log import ws_logger

from . import realtime_config, realtime_events
from .errors import ApiError, invalid
from .keys import (
    AUDIO_BYTES,
    CLIENT_SECRETS,
    IN_FLIGHT,
    LIVE_SESSIONS,
    METRICS,
    SECRET_SESSION,
    SETTINGS,
    TRANSCRIBER,
)
from .log_context import add_log_context
from .realtime_config import Config
from .realtime_session import Session, check, default_config
from .upload import Pace

LOG = logging.getLogger(__name__)
# It warns of the subprotocols that a client offers and nobody knows, one of which is the key.
ws_logger.setLevel(logging.ERROR)

# Of a message: 98 s of PCM at 24 kHz. OpenAI takes 15 MiB of sound, which is 60 MiB of memory here
# while it is decoded.
MAX_MESSAGE_BYTES = 6 * 2**20
IDLE_SECONDS = 600.0  # without an event, after which a forgotten session makes room
CLOSING_SECONDS = 2.0  # for the client to say that it has heard of the end
PROTOCOL, BETA_PROTOCOL = "realtime", "openai-beta.realtime-v1"
BETA_HEADER = "OpenAI-Beta"
MAX_BODY_BYTES = 64 * 1024
# How long a client secret lasts, as OpenAI has it.
SECRET_SECONDS, MIN_SECRET_SECONDS, MAX_SECRET_SECONDS = 600, 10, 7200


async def realtime(request: web.Request) -> web.StreamResponse:
    """Transcribe what is said, until the client closes the connection."""
    beta = _is_beta(request)
    config = _initial(request)
    socket = web.WebSocketResponse(
        timeout=CLOSING_SECONDS,
        protocols=(PROTOCOL,),
        max_msg_size=MAX_MESSAGE_BYTES,
        compress=False,  # base64 of sound is hardly smaller
    )
    if not socket.can_prepare(request):
        message = "Live transcription is a WebSocket: send `Connection: Upgrade`."
        raise ApiError(426, message, code="websocket_required", headers={hdrs.UPGRADE: "websocket"})
    if request.app[IN_FLIGHT].draining:
        raise ApiError(503, "The proxy restarts. Try again.", code="overloaded")
    metrics = request.app[METRICS]
    with request.app[LIVE_SESSIONS].session(), metrics.live_sessions.track_inprogress():
        await socket.prepare(request)
        session = Session(
            config, request.app[TRANSCRIBER], metrics, lambda event: _send(socket, event), beta=beta
        )
        try:
            await _serve(socket, session, request.app[IN_FLIGHT].stopping)
        except asyncio.CancelledError:
            if socket.close_code is None:  # otherwise the client has said that it goes
                raise
        except Exception:
            LOG.exception("a live session failed")
            await socket.close(code=WSCloseCode.INTERNAL_ERROR, message=b"The proxy failed.")
        finally:
            session.close()
            request[AUDIO_BYTES] = session.received
            add_log_context(turns=session.turns)
    return socket


async def _serve(socket: web.WebSocketResponse, session: Session, stopping: asyncio.Event) -> None:
    await session.begin()
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(session.run())
        reading = tasks.create_task(_read(socket, session))
        stopped = tasks.create_task(stopping.wait())
        await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            await _stop(reading)
            await session.finish()
            await socket.close(code=WSCloseCode.SERVICE_RESTART, message=b"The proxy restarts.")
        for task in (working, stopped):
            task.cancel()


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})


async def _read(socket: web.WebSocketResponse, session: Session) -> None:
    """Do what the client's events say, up to the end of the connection."""
    while True:
        try:
            received = await socket.receive(timeout=IDLE_SECONDS)
        except TimeoutError:
            message = f"Nothing came for {IDLE_SECONDS:.0f} s."
            problem = ApiError(400, message, code="session_expired")
            await _send(socket, realtime_events.error(problem))
            await socket.close(code=WSCloseCode.GOING_AWAY)
            return
        if received.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return
        await _handle(socket, session, received.data)


async def _handle(socket: web.WebSocketResponse, session: Session, data: str | bytes) -> None:
    named = None
    try:
        if isinstance(data, bytes):
            message = "Events are text. Send sound in base64, as `input_audio_buffer.append`."
            raise ApiError(400, message, code="invalid_json")
        event = realtime_events.parse(data)
        named = event.id
        await session.handle(event)
    except ApiError as error:
        await _send(socket, realtime_events.error(error, named))


async def _send(socket: web.WebSocketResponse, event: realtime_events.Event) -> None:
    with suppress(ConnectionError):  # it is noticed where it is read from
        # In ASCII: an id of the client's may have halves of pairs, which UTF-8 does not have.
        await socket.send_str(json.dumps(event))


def _is_beta(request: web.Request) -> bool:
    protocols = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
    return "realtime=v1" in request.headers.get(BETA_HEADER, "") or BETA_PROTOCOL in protocols


def _initial(request: web.Request) -> Config:
    """Return how a session is configured when it begins: by its secret, or the query."""
    model = request.query.get("model", "")
    config = replace(default_config(), transcription={"model": model} if model else {})
    secret = request.get(SECRET_SESSION)
    return realtime_config.updated(config, secret) if secret else config


async def client_secret(request: web.Request) -> web.Response:
    """Make a client secret, with OpenAI's answer."""
    body = await _json(request)
    session = body.get("session", {"type": "transcription"})
    value, expires_at, config = _issue(request, session, body.get("expires_after"))
    shown = realtime_config.session_object(config, realtime_events.new_id("sess"))
    return web.json_response(
        {"value": value, "expires_at": expires_at, "session": {**shown, "expires_at": expires_at}}
    )


async def beta_session(request: web.Request) -> web.Response:
    """Make a client secret, with the answer of the beta protocol."""
    body = await _json(request)
    session = realtime_config.from_beta(body)
    value, expires_at, config = _issue(request, session, body.get("expires_after"))
    shown = realtime_config.beta_session_object(config, realtime_events.new_id("sess"))
    secret = {"value": value, "expires_at": expires_at}
    return web.json_response({**shown, "client_secret": secret})


def _issue(request: web.Request, session: object, expires_after: Any) -> tuple[str, int, Config]:
    config = realtime_config.updated(default_config(), session)
    check(config, request.app[TRANSCRIBER])
    value, expires_at = request.app[CLIENT_SECRETS].issue(session, _seconds(expires_after))
    return value, expires_at, config


def _seconds(expires_after: Any) -> int:
    given = expires_after.get("seconds") if isinstance(expires_after, dict) else expires_after
    if given is None:
        return SECRET_SECONDS
    whole = isinstance(given, int) and not isinstance(given, bool)
    if not whole or not MIN_SECRET_SECONDS <= given <= MAX_SECRET_SECONDS:
        limits = f"{MIN_SECRET_SECONDS} to {MAX_SECRET_SECONDS}"
        message = f"`expires_after.seconds` must be a whole number from {limits}."
        raise invalid("expires_after.seconds", message)
    return int(given)


async def _json(request: web.Request) -> dict[str, Any]:
    """Return the object that the body is, {} if it is empty."""
    try:
        found = json.loads(await _body(request) or b"{}")
    except (ValueError, RecursionError, web.RequestPayloadError):
        found = None
    except TimeoutError:
        message = "The body stalled, or was too slow."
        raise ApiError(408, message, code="upload_stalled") from None
    if not isinstance(found, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_body")
    return found


async def _body(request: web.Request) -> bytes:
    body, pace = bytearray(), Pace(request.app[SETTINGS].idle_timeout)
    while data := await pace.read(request.content):
        body += data
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(413, f"The body exceeds {MAX_BODY_BYTES} bytes.", code="invalid_body")
    return bytes(body)
