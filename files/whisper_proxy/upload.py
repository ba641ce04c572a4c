"""Receives an upload: the text fields as lists by name, the audio in a bounded spool."""

import asyncio
import errno
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Self

from aiohttp import web

from .errors import ApiError, invalid
from .fields import is_read
from .keys import SETTINGS
from .multipart import MalformedError, Multipart, boundary

MIB = 1024 * 1024
MEMORY_BYTES = MIB // 2  # 16 seconds of speech from VoiceMode
# For all text fields together. Whisper reads only 224 tokens of a prompt.
MAX_FIELDS_BYTES = 64 * 1024
MAX_PARTS = 256  # a list has a part for each of its items


class Spool:
    """Bytes of any length: in memory up to MEMORY_BYTES, otherwise in an unnamed file."""

    def __init__(self) -> None:
        self.size = 0
        self._file: IO[bytes] = io.BytesIO()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def expect(self, size: int) -> None:
        """Switch to disk now if this many bytes will not be kept in memory."""
        if isinstance(self._file, io.BytesIO) and size > MEMORY_BYTES:
            self._move_to_disk()

    def write(self, chunk: bytes) -> None:
        """Append a chunk. Raises OSError if the disk is full."""
        self.expect(self.size + len(chunk))
        self.size += self._file.write(chunk)

    def _move_to_disk(self) -> None:
        disk = tempfile.TemporaryFile()  # noqa: SIM115
        with self._file as memory:
            memory.seek(0)
            disk.write(memory.read())
        self._file = disk

    def open(self) -> IO[bytes]:
        """Return a new reader at the first byte; the caller closes it."""
        if isinstance(self._file, io.BytesIO):
            return io.BytesIO(self._file.getvalue())  # shares the buffer, copies nothing
        self._file.flush()
        # Not a duplicate of the descriptor, which would share the file position.
        return open(f"/proc/self/fd/{self._file.fileno()}", "rb")


async def read_form(request: web.Request, audio: Spool) -> dict[str, list[str]]:
    """Read a multipart body: the part `file` into `audio`, fields that are known into the result.

    The result has all values of each name, in the order sent (a list is sent as one part `name[]`
    per value); parts may come in any order. Raises ApiError: 400 if the body is not a form with
    audio, 408 if it stalls, 413 if it is too large, 507 if the disk is full.
    """
    with _failures_as_errors():
        fields = await _Form(request, audio).read()
    if not audio.size:
        raise invalid("file", "`file` is missing or empty.", "missing_required_parameter")
    return fields


class _Form:
    """The form of one request, while it is read."""

    def __init__(self, request: web.Request, audio: Spool) -> None:
        settings = request.app[SETTINGS]
        self._content = request.content
        self._idle_seconds = settings.idle_timeout
        self._audio = audio
        self._audio_room = settings.max_upload * MIB
        self._fields_room = MAX_FIELDS_BYTES
        if request.content_type != "multipart/form-data":
            raise ApiError(400, "Send the request as multipart/form-data.", code="invalid_body")
        length = request.content_length or 0
        if length > self._audio_room + self._fields_room:
            raise _audio_too_large(self._audio_room)
        audio.expect(length)
        self._parts = Multipart(boundary(request.headers["Content-Type"]), self._bytes)

    async def _bytes(self) -> bytes:
        # readany() would join chunks, and so copy them. b"" may also mark the end of an HTTP chunk.
        more = True
        data = b""
        async with asyncio.timeout(self._idle_seconds):
            while more and not data:
                data, more = await self._content.readchunk()
        return data

    async def read(self) -> dict[str, list[str]]:
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
            if self._audio.size > self._audio_room:
                raise _audio_too_large(self._audio_room)

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
        raise ApiError(408, "The upload stalled.", code="upload_stalled") from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ApiError(507, "No room on the proxy's disk.", code="disk_full") from error
