"""The one module that talks to whisper-server. It is sent checked values only, and each of its
many ways to fail becomes one ApiError."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Literal

import aiohttp

from .errors import ApiError
from .fields import Transcription
from .render import Transcript, parse
from .upload import Spool

LOG = logging.getLogger(__name__)

INFERENCE_SECONDS = 600.0  # what OpenAI's client waits for an answer
CONNECT_SECONDS = 5.0
HEALTH_SECONDS = 0.5
# whisper-server is back, its model loaded, a few seconds after it died.
RETRY_AFTER = {"Retry-After": "5"}
# What whisper-server says of audio that it cannot read: v1.7 with status 200, `--convert` with 500.
UNREADABLE = (
    "failed to read WAV file",
    "failed to read audio data",
    "FFmpeg conversion failed.",
)

State = Literal["ready", "busy", "failing", "unreachable"]


class Upstream:
    """A whisper-server at an origin such as `http://127.0.0.1:2022`."""

    def __init__(self, origin: str, session: aiohttp.ClientSession) -> None:
        self._origin = origin
        self._session = session

    async def transcribe(self, audio: Spool, wanted: Transcription) -> Transcript:
        """Return what is said in the audio, or raise ApiError."""
        timeout = aiohttp.ClientTimeout(total=INFERENCE_SECONDS, sock_connect=CONNECT_SECONDS)
        with audio.open() as file, _failures_as_errors():
            async with self._session.post(
                f"{self._origin}/inference",
                data=_form(file, wanted),
                timeout=timeout,
                allow_redirects=False,
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


def _form(file: IO[bytes], wanted: Transcription) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in _fields(wanted).items():
        form.add_field(name, value)
    # whisper-server prints the file's name: the client's is nobody's business.
    form.add_field("file", file, filename="audio", content_type="application/octet-stream")
    return form


def _fields(wanted: Transcription) -> dict[str, str]:
    # All that a request may change is sent every time: v1.7 keeps the fields of a request that
    # failed, so that a field left out would be another client's.
    return {
        "response_format": "verbose_json",
        "language": wanted.language,
        "prompt": wanted.prompt,
        "temperature": f"{wanted.temperature:.6f}",  # std::stof throws on 1e-40
        "translate": "false",
        # Otherwise v1.8.4 and later cut segments at 60 characters, inside words too.
        "max_len": "-1",
        # Computing these costs a second run of the encoder, and fails where nothing is said.
        "no_language_probabilities": "true",
    }


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
def _failures_as_errors() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        LOG.error("whisper-server does not answer: %s", error)
        raise _unavailable("whisper-server does not answer.") from error
    except TimeoutError as error:
        LOG.error("whisper-server took too long: %s", error)
        raise ApiError(
            504, "whisper-server took too long to answer.", code="upstream_timeout"
        ) from error
    except aiohttp.ClientError as error:
        LOG.error("whisper-server went away: %r", error)
        raise _unavailable("whisper-server went away before it answered.") from error


def _unavailable(message: str) -> ApiError:
    return ApiError(503, message, code="upstream_unavailable", headers=RETRY_AFTER)


def _bad_gateway() -> ApiError:
    return ApiError(502, "whisper-server could not process the request.", code="upstream_error")


def _undecodable() -> ApiError:
    return ApiError(
        400,
        "whisper-server could not decode the audio. WAV (PCM) always works.",
        param="file",
        code="undecodable_audio",
    )
