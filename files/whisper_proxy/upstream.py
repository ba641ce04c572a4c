"""The one module that talks to whisper-server. It is sent checked values only, and each of its
many ways to fail becomes one exception."""

import asyncio
import io
import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Literal, NoReturn, Protocol

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_writer import StreamWriter

from .errors import ApiError
from .fields import TranscriptionRequest
from .transcript import Transcript, parse

LOG = logging.getLogger(__name__)

INFERENCE_SECONDS = 600.0  # what OpenAI's client waits for an answer
CONNECT_SECONDS = 5.0
HEALTH_SECONDS = 0.5
# What whisper-server says of audio that it cannot read: v1.7 with status 200, `--convert` with 500.
UNREADABLE = (
    "failed to read WAV file",
    "failed to read audio data",
    "FFmpeg conversion failed.",
)

State = Literal["ready", "busy", "failing", "unreachable"]


class Audio(Protocol):
    """Audio that can be read any number of times, each time from its first byte."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def open(self) -> IO[bytes]:
        """Return a new reader, which the caller closes."""


class NotReachedError(Exception):
    """Nobody accepts connections: whisper-server has not seen the request."""


class LostError(Exception):
    """The connection broke before there was an answer.

    started: it had the whole request, so that its inference may have run.
    """

    def __init__(self, *, started: bool) -> None:
        super().__init__(f"started={started}")
        self.started = started


class Upstream:
    """A whisper-server at an origin such as `http://127.0.0.1:2022`."""

    def __init__(self, origin: str, session: aiohttp.ClientSession) -> None:
        self._origin = origin
        self._session = session

    async def transcribe(self, audio: Audio, request: TranscriptionRequest) -> Transcript:
        """Return what is said in the audio, by one attempt.

        Raises ApiError for an answer that is final, NotReachedError and LostError for none.
        """
        body = _Form(_fields(request), audio)
        timeout = aiohttp.ClientTimeout(total=INFERENCE_SECONDS, sock_connect=CONNECT_SECONDS)
        with _failures_as_errors(body):
            async with self._session.post(
                f"{self._origin}/inference", data=body, timeout=timeout, allow_redirects=False
            ) as response:
                return _transcript(response.status, await response.read())

    async def state(self) -> State:
        """Return what whisper-server is doing, within HEALTH_SECONDS twice at most.

        It binds its port once the model is loaded, and its few threads may all be taken: one that
        accepts the connection and is slow to answer is busy, not ill.
        """
        timeout = aiohttp.ClientTimeout(sock_connect=HEALTH_SECONDS, sock_read=HEALTH_SECONDS)
        try:
            async with self._session.get(f"{self._origin}/health", timeout=timeout) as response:
                return "ready" if response.status == 200 else "failing"
        except aiohttp.ConnectionTimeoutError:
            return "unreachable"
        except aiohttp.SocketTimeoutError:
            return "busy"
        except (aiohttp.ClientError, TimeoutError):
            return "unreachable"


def open_session() -> aiohttp.ClientSession:
    """Return the process's one client session, which the caller closes.

    A connection is used once: one that waits to be used again would hold one of whisper-server's
    few threads, and may be closed by it just as the next request is sent. There is no limit to
    them, lest a look at the health wait behind a hundred transcriptions.
    """
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=0))


class _Form(aiohttp.payload.Payload):
    """A form with these fields and the audio, in as few and as large writes as there can be.

    Its length is known: without one whisper-server would wait for ever.
    """

    def __init__(self, fields: dict[str, str], audio: Audio) -> None:
        boundary = uuid.uuid4().hex
        super().__init__(None, content_type=f"multipart/form-data; boundary={boundary}")
        # whisper-server prints the file's name: the client's is nobody's business.
        parts = [f'name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
        parts.append('name="file"; filename="audio"\r\n\r\n')
        head = "\r\n".join(f"--{boundary}\r\nContent-Disposition: form-data; {x}" for x in parts)
        self._head = head.encode()
        self._audio = audio
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._size = len(self._head) + audio.size + len(self._tail)
        self.sent = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> NoReturn:
        """Raise TypeError: audio is not text."""
        raise TypeError("a form with audio is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send all of it. What lies on disk goes to the socket without passing through here."""
        await writer.write(self._head)
        with self._audio.open() as file:
            if isinstance(file, io.BytesIO):
                await writer.write(file.getvalue())
            else:
                await _send_file(writer, file)
        await writer.write(self._tail)
        self.sent = True


async def _send_file(writer: AbstractStreamWriter, file: IO[bytes]) -> None:
    transport = writer.transport if isinstance(writer, StreamWriter) else None
    if transport is None or transport.is_closing():
        raise aiohttp.ClientConnectionResetError("closed before the audio was sent")
    await asyncio.get_running_loop().sendfile(transport, file)


def _fields(request: TranscriptionRequest) -> dict[str, str]:
    # All that a request may change is sent every time: v1.7 keeps the fields of a request that
    # failed, so that a field left out would be another client's.
    return {
        "response_format": "verbose_json",
        "language": request.language,
        "prompt": request.prompt,
        "temperature": f"{request.temperature:.6f}",  # std::stof throws on 1e-40
        "translate": _boolean(request.translate),
        "token_timestamps": _boolean(request.words),
        # Otherwise v1.8.4 and later cut segments at 60 characters, inside words too.
        "max_len": "-1",
        # Computing these costs a second run of the encoder, and fails where nothing is said.
        "no_language_probabilities": "true",
    }


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _transcript(status: int, body: bytes) -> Transcript:
    answer = _decoded(body)
    error = answer.get("error") if isinstance(answer, dict) else None
    if status == 400 or error in UNREADABLE:
        raise _undecodable()
    if status != 200 or error is not None:
        LOG.error("whisper-server answered %d: %.200r", status, body)
        raise _bad_gateway()
    try:
        return parse(answer)
    except ValueError as problem:
        LOG.error("whisper-server's answer is not a transcript: %s", problem)
        raise _bad_gateway() from problem


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


@contextmanager
def _failures_as_errors(body: _Form) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotReachedError from error
    except TimeoutError as error:
        LOG.error("whisper-server took too long")
        message = "whisper-server took too long to answer."
        raise ApiError(504, message, code="upstream_timeout") from error
    except aiohttp.ClientError as error:
        raise LostError(started=body.sent) from error


def _bad_gateway() -> ApiError:
    return ApiError(502, "whisper-server could not process the request.", code="upstream_error")


def _undecodable() -> ApiError:
    return ApiError(
        400,
        "whisper-server could not decode the audio. WAV (PCM) always works.",
        param="file",
        code="undecodable_audio",
    )
