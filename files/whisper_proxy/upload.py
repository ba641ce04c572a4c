"""An upload off the wire: text fields as a dict, the audio in a bounded spool."""

import io
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import IO, Self

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from .errors import ApiError, invalid

CHUNK_BYTES = 64 * 1024
MEMORY_BYTES = 1024 * 1024
MAX_AUDIO_BYTES = 512 * 1024 * 1024
# All text fields together. Whisper itself reads 224 tokens of a prompt.
MAX_FIELDS_BYTES = 64 * 1024
MAX_PARTS = 64


class Spool:
    """Bytes of any length: in memory up to MEMORY_BYTES, beyond that in a nameless file."""

    def __init__(self) -> None:
        self.size = 0
        self._file: IO[bytes] = io.BytesIO()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        if self.size <= MEMORY_BYTES < self.size + len(chunk):
            self._move_to_disk()
        self.size += self._file.write(chunk)

    def _move_to_disk(self) -> None:
        disk = tempfile.TemporaryFile()  # noqa: SIM115
        with self._file as memory:
            memory.seek(0)
            disk.write(memory.read())
        self._file = disk

    def open(self) -> IO[bytes]:
        """Return a new reader at the first byte, which the caller closes."""
        if isinstance(self._file, io.BytesIO):
            return io.BytesIO(self._file.getvalue())  # shares the buffer, copies nothing
        self._file.flush()
        # Not a duplicate of the descriptor: two of those share one position.
        return open(f"/proc/self/fd/{self._file.fileno()}", "rb")


async def read_form(request: web.Request, audio: Spool) -> dict[str, str]:
    """Read a multipart body: the part `file` into `audio`, the others into the result.

    Parts come in any order; of a text field sent twice the last counts. Raises ApiError: 400 for
    a body that is not a form with audio, 413 for one that is too large.
    """
    reader = await _reader(request)
    fields: dict[str, str] = {}
    room = MAX_FIELDS_BYTES
    async for part in _parts(reader):
        if part.name == "file":
            await _read_audio(part, audio)
        else:
            value = await _read_bytes(part, room)
            room -= len(value)
            fields[part.name or ""] = _decode(part, value)
    if not audio.size:
        raise invalid("file", "`file` is missing or empty.", "missing_required_parameter")
    return fields


async def _reader(request: web.Request) -> MultipartReader:
    if request.content_type != "multipart/form-data":
        raise ApiError(400, "Send the request as multipart/form-data.", code="invalid_body")
    if (request.content_length or 0) > MAX_AUDIO_BYTES + MAX_FIELDS_BYTES:
        raise _audio_too_large()
    with _malformed_is_400():
        return await request.multipart()


async def _parts(reader: MultipartReader) -> AsyncIterator[BodyPartReader]:
    for _ in range(MAX_PARTS):
        part = await _next_part(reader)
        if part is None:
            return
        yield part
    raise ApiError(400, f"The form has more than {MAX_PARTS} parts.", code="too_many_parts")


async def _next_part(reader: MultipartReader) -> BodyPartReader | None:
    with _malformed_is_400():
        part = await reader.next()
    if isinstance(part, MultipartReader):
        raise ApiError(400, "A part of the form is a form itself.", code="invalid_body")
    return part


async def _next_chunk(part: BodyPartReader) -> bytes:
    with _malformed_is_400():
        return await part.read_chunk(CHUNK_BYTES)


async def _read_audio(part: BodyPartReader, audio: Spool) -> None:
    if audio.size:
        raise invalid("file", "`file` was sent twice.")
    while not part.at_eof():
        audio.write(await _next_chunk(part))
        if audio.size > MAX_AUDIO_BYTES:
            raise _audio_too_large()


async def _read_bytes(part: BodyPartReader, room: int) -> bytes:
    value = bytearray()
    while not part.at_eof():
        value += await _next_chunk(part)
        if len(value) > room:
            raise ApiError(
                413,
                f"The fields beside `file` exceed {MAX_FIELDS_BYTES // 1024} KiB.",
                code="fields_too_large",
            )
    return bytes(value)


def _decode(part: BodyPartReader, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise invalid(part.name or "", f"`{part.name}` is not UTF-8 text.") from None


def _audio_too_large() -> ApiError:
    limit = MAX_AUDIO_BYTES // 1024**2
    return ApiError(
        413,
        f"The audio is larger than {limit} MiB.",
        param="file",
        code="file_too_large",
    )


@contextmanager
def _malformed_is_400() -> Iterator[None]:
    # aiohttp has no exception of its own for a broken multipart body: it raises these.
    try:
        yield
    except (
        ValueError,
        AssertionError,
        RuntimeError,
        HttpProcessingError,
        web.RequestPayloadError,
    ) as error:
        message = "The body is not valid multipart/form-data."
        raise ApiError(400, message, code="invalid_body") from error
