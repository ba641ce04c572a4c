"""Receives an upload: the text fields as lists by name, the audio in a bounded spool."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import StreamReader, web

from .connections import MIN_BYTES_A_SECOND
from .errors import ApiError, invalid
from .fields import is_read
from .keys import SETTINGS
from .multipart import MalformedError, Multipart
from .spool import DISK_FULL, MIB, Spool, disk_full

# For all text fields together. Whisper reads only 224 tokens of a prompt.
MAX_FIELDS_BYTES = 64 * 1024
MAX_PARTS = 256  # a list has a part for each of its items


class Pace:
    """How long the next bytes of an upload may take.

    Each of them buys time, up to `idle_seconds`, so that a drip does not last for hours, but a slow
    phone gets through.
    """

    def __init__(self, idle_seconds: float) -> None:
        self._clock = asyncio.get_running_loop().time
        self._idle_seconds = idle_seconds
        self.deadline = self._clock() + idle_seconds

    def received(self, size: int) -> None:
        """Move the deadline for this many bytes."""
        now = self._clock()
        bought = max(now, self.deadline) + size / MIN_BYTES_A_SECOND
        self.deadline = min(bought, now + self._idle_seconds)

    async def read(self, content: StreamReader) -> bytes:
        """Return the next bytes, b"" at the end; raise TimeoutError if they take too long."""
        # Not readchunk(): it returns the chunks of a chunked body one by one, however small.
        async with asyncio.timeout_at(self.deadline):
            data = await content.readany()
        self.received(len(data))
        return data


async def read_form(
    request: web.Request, audio: Spool, begun: Callable[[], object]
) -> dict[str, list[str]]:
    """Read a multipart body: the part `file` into `audio`, fields that are known into the result.

    The result has all values of each name, in the order sent (a list is sent as one part `name[]`
    per value); parts may come in any order. `begun` is called when the first bytes are there.

    Raises ApiError: 400 if the body is not a form with audio, 408 if it stalls or is too slow, 413
    if it is too large, 503 if there are too many uploads for this one, 507 if the disk is full.
    """
    with _failures_as_errors():
        fields = await _Form(request, audio, begun).fields()
    audio.complete()
    if not audio.size:
        raise invalid("file", "`file` is missing or empty.", "missing_required_parameter")
    return fields


async def read_body(request: web.Request, spool: Spool) -> None:
    """Read a multipart body into the spool, as it comes. Raises ApiError as `read_form` does.

    What it holds is for others to find out: only that it says that it is a form is looked at.
    """
    with _failures_as_errors():
        body = _Body(request, spool)
        while data := await body.read():
            spool.write(data)
    spool.complete()


class _Body:
    """The body of one request, while it is received: neither too slow nor too large."""

    def __init__(self, request: web.Request, spool: Spool) -> None:
        settings = request.app[SETTINGS]
        self._content = request.content
        self._pace = Pace(settings.idle_timeout)
        self.room = settings.max_upload * MIB
        if request.content_type != "multipart/form-data":
            raise ApiError(400, "Send the request as multipart/form-data.", code="invalid_body")
        if "boundary" not in request.headers["Content-Type"].lower():
            message = "Content-Type names no boundary. Leave this header to your HTTP library."
            raise ApiError(400, message, code="invalid_body")
        length = request.content_length or 0
        self._check_total(length)
        spool.expect(length)

    async def read(self) -> bytes:
        """Return the next bytes, b"" at the end."""
        data = await self._pace.read(self._content)
        self._check_total(self._content.total_bytes)
        return data

    def _check_total(self, size: int) -> None:
        # Of the whole body, as it may have parts that nobody keeps.
        if size > self.room + MAX_FIELDS_BYTES:
            raise _audio_too_large(self.room)


class _Form(_Body):
    """The form of one request, while it is read."""

    def __init__(self, request: web.Request, audio: Spool, begun: Callable[[], object]) -> None:
        super().__init__(request, audio)
        self._audio = audio
        self._begun: Callable[[], object] | None = begun
        self._fields_room = MAX_FIELDS_BYTES
        self._parts = Multipart(request.headers["Content-Type"], self._bytes)

    async def _bytes(self) -> bytes:
        data = await self.read()
        if data and self._begun:
            self._begun()
            self._begun = None
        return data

    async def fields(self) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = {}
        for _ in range(MAX_PARTS):
            name = await self._parts.next_part()
            if name is None:
                return fields
            if name == "file":
                await self._read_audio()
            elif is_read(name):
                fields.setdefault(name, []).append(await self._read_text(name))
        raise ApiError(400, f"The form has more than {MAX_PARTS} parts.", code="too_many_parts")

    async def _read_audio(self) -> None:
        if self._audio.size:
            raise invalid("file", "`file` was sent twice.")
        while chunk := await self._parts.chunk():
            self._audio.write(chunk)
            if self._audio.size > self.room:
                raise _audio_too_large(self.room)

    async def _read_text(self, name: str) -> str:
        value = bytearray()
        while chunk := await self._parts.chunk():
            value += chunk
            self._fields_room -= len(chunk)
            if self._fields_room < 0:
                message = f"The fields beside `file` exceed {MAX_FIELDS_BYTES // 1024} KiB."
                raise ApiError(413, message, code="fields_too_large")
        try:
            return value.decode(self._parts.charset)
        except UnicodeDecodeError:
            raise invalid(name, f"`{name}` is not UTF-8 text.") from None


def _audio_too_large(limit: int) -> ApiError:
    message = f"The audio is larger than {limit // MIB} MiB."
    return ApiError(413, message, param="file", code="file_too_large")


@contextmanager
def _failures_as_errors() -> Iterator[None]:
    try:
        yield
    except (MalformedError, web.RequestPayloadError) as error:
        message = "The body is not valid multipart/form-data."
        raise ApiError(400, message, code="invalid_body") from error
    except TimeoutError as error:
        message = "The upload stalled, or was too slow."
        raise ApiError(408, message, code="upload_stalled") from error
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise disk_full() from error
