"""The client of whisper-server.

It sends only validated values, and maps the many ways in which whisper-server fails to exceptions.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import aiohttp

from .audio import Audio
from .errors import ApiError
from .fields import TranscriptionRequest
from .listener import is_another_users
from .offload import offload
from .transcript import Transcript, parse
from .transfer import AudioPayload, TooLongError, form_around_audio, read_whole

LOG = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
HEALTH_SECONDS = 0.5
# Of an answer. For 30 s, a megabyte as WAV, Whisper writes at most 224 tokens, with times about 150
# bytes each: an eighth of the recording is four times that.
ANSWER_BYTES = 1024 * 1024
ANSWER_SHARE = 8
LARGE_ANSWER = 256 * 1024  # parsed in 7 ms
# whisper-server's errors for unreadable audio: v1.7 sends status 200, `--convert` sends 500.
UNREADABLE = (
    "failed to read WAV file",
    "failed to read audio data",
    "FFmpeg conversion failed.",
)
# Its error when the inference fails, as it does when VAD has no model.
NOT_PROCESSED = "failed to process audio"

State = Literal["ready", "busy", "failing", "unreachable"]


class NotReachedError(Exception):
    """The connection failed, or led to one that serves no more: nothing has been done."""


class _NotProcessedError(ApiError):
    """whisper-server has read the audio, but not transcribed it."""


class LostError(Exception):
    """The connection broke before there was an answer.

    started: the whole request had been sent, so the inference may have run.
    """

    def __init__(self, *, started: bool) -> None:
        super().__init__(f"started={started}")
        self.started = started


class Upstream:
    """A whisper-server at an origin such as `http://127.0.0.1:2022`.

    path_file: has the secret path below which it answers; "" if it has none. Each generation of the
    services has another path, and the file is gone where there is none. vad: whether it was started
    with a VAD model.
    """

    def __init__(
        self,
        origin: str,
        session: aiohttp.ClientSession,
        path_file: str = "",
        *,
        vad: bool = False,
    ) -> None:
        self._origin = origin
        self._session = session
        self._path_file = path_file
        self._vad = vad

    async def transcribe(self, audio: Audio, request: TranscriptionRequest) -> Transcript:
        """Return the transcript of the audio, without a limit of its time.

        Makes one attempt, and one more where VAD fails, as it does while a whisper-server that has
        no model for it serves again after a rollback.

        Raises ApiError if whisper-server reports an error, and NotReachedError or LostError if a
        retry may help.
        """
        if self._vad:
            try:
                return await self._attempt(_fields(request) | _vad_fields(request), audio)
            except _NotProcessedError:
                LOG.warning("trying without VAD")
        return await self._attempt(_fields(request), audio)

    async def _attempt(self, fields: dict[str, str], audio: Audio) -> Transcript:
        body = _form(fields, audio)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        self._check_owner()
        with _failures_as_errors(body):
            async with self._session.post(
                f"{self._base()}/inference", data=body, timeout=timeout, allow_redirects=False
            ) as response:
                self._check_path(response.status)
                answer = await _read(response, ANSWER_BYTES + audio.size // ANSWER_SHARE)
                large = len(answer) > LARGE_ANSWER
                return await offload(large, _transcript, response.status, answer)

    async def state(self) -> State:
        """Return the state of whisper-server, within twice HEALTH_SECONDS at most.

        It binds its port only once the model is loaded, and all of its few threads may be in use.
        So if it accepts the connection but is slow to answer, it is busy, not failing.
        """
        timeout = aiohttp.ClientTimeout(sock_connect=HEALTH_SECONDS, sock_read=HEALTH_SECONDS)
        try:
            self._check_owner()
            async with self._session.get(f"{self._base()}/health", timeout=timeout) as response:
                self._check_path(response.status)
                return "ready" if response.status == 200 else "failing"
        except NotReachedError:
            return "unreachable"
        except aiohttp.ConnectionTimeoutError:
            return "unreachable"
        except aiohttp.SocketTimeoutError:
            return "busy"
        except (aiohttp.ClientError, TimeoutError):
            return "unreachable"

    def _base(self) -> str:
        """Return the URL below which the whisper-server that runs now answers."""
        if not self._path_file:
            return self._origin
        try:
            return self._origin + Path(self._path_file).read_text().strip()
        except (OSError, ValueError):
            return self._origin

    def _check_owner(self) -> None:
        """Raise NotReachedError where another user's program has the port: it gets no speech.

        It would not know the secret path, but it would be told it, with the recording.
        """
        if self._path_file and is_another_users(self._origin):
            raise NotReachedError

    def _check_path(self, status: int) -> None:
        """Raise NotReachedError at a 404 of one that has another path: its successor starts."""
        if status == 404 and self._path_file:
            raise NotReachedError


def open_session() -> aiohttp.ClientSession:
    """Return the client session of the process; the caller closes it.

    Connections are not kept alive: an idle one would occupy one of whisper-server's few threads,
    and might be closed just as the next request is sent. Their number is not limited, so that a
    health check never waits behind transcriptions. An answer is not decompressed, as whisper-server
    compresses none: its size in memory is that received.
    """
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    return aiohttp.ClientSession(connector=connector, auto_decompress=False)


def _form(fields: dict[str, str], audio: Audio) -> AudioPayload:
    """Return the form with these fields and the audio."""
    content_type, head, tail = form_around_audio(fields.items())
    return AudioPayload(audio, content_type, head=head, tail=tail)


def _fields(request: TranscriptionRequest) -> dict[str, str]:
    # Send every field every time: v1.7 keeps the fields of a failed request, so an omitted one
    # would take another client's value.
    return {
        "response_format": "verbose_json",
        "language": request.language,
        "prompt": request.prompt,
        "temperature": f"{request.temperature:.6f}",  # std::stof throws on 1e-40
        "translate": _boolean(request.translate),
        "token_timestamps": _boolean(request.words),
        # Otherwise v1.8.4 and later cut segments at 60 characters, even within words.
        "max_len": "-1",
        # Computing these runs the encoder a second time, and fails on silence.
        "no_language_probabilities": "true",
    }


def _vad_fields(request: TranscriptionRequest) -> dict[str, str]:
    """Return what is to be transcribed. Without a VAD model, such a request would fail.

    whisper-server (v1.7.6 to v1.9.3) counts the times of words without the silence that VAD cut
    out. So where words are wanted all is transcribed, by a threshold of 0. `vad=false` would not
    do: then the times of segments are corrected by what was cut out of the recording before.
    """
    threshold = 0.0 if request.words else request.vad.threshold
    return {
        "vad": "true",
        "vad_threshold": f"{threshold:.6f}",
        "vad_speech_pad_ms": str(request.vad.padding_ms),
        "vad_min_silence_duration_ms": str(request.vad.silence_ms),
        "vad_min_speech_duration_ms": str(request.vad.speech_ms),
    }


def _boolean(value: bool) -> str:
    return "true" if value else "false"


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    try:
        return await read_whole(response, limit)
    except TooLongError:
        LOG.error("whisper-server's answer is longer than %d bytes", limit)
        raise _bad_gateway() from None


def _transcript(status: int, body: bytes) -> Transcript:
    answer = _decoded(body)
    error = answer.get("error") if isinstance(answer, dict) else None
    if status == 400 or error in UNREADABLE:
        raise _undecodable()
    if status != 200 or error is not None:
        LOG.error("whisper-server answered %d: %r", status, body[:200])
        raise _bad_gateway(_NotProcessedError if error == NOT_PROCESSED else ApiError)
    try:
        return parse(answer)
    except ValueError as problem:
        LOG.error("whisper-server's answer is not a transcript: %s", problem)
        raise _bad_gateway() from problem


def _decoded(body: bytes) -> object:
    """Return the decoded JSON, None if it is none. A character that is no UTF-8 is replaced."""
    try:
        return json.loads(body.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None


@contextmanager
def _failures_as_errors(body: AudioPayload) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotReachedError from error
    except aiohttp.ClientResponseError as error:
        LOG.error("whisper-server's answer is not HTTP")
        raise _bad_gateway() from error
    except aiohttp.ClientError as error:
        raise LostError(started=body.sent) from error


def _bad_gateway(kind: type[ApiError] = ApiError) -> ApiError:
    return kind(502, "whisper-server could not process the request.", code="upstream_error")


def _undecodable() -> ApiError:
    return ApiError(
        400,
        "whisper-server could not decode the audio. WAV (PCM) always works.",
        param="file",
        code="undecodable_audio",
    )
