"""What is sent from a spool and received whole: bodies of requests, and answers."""

import asyncio
import io
import uuid
from collections.abc import Callable, Iterable
from typing import IO, NoReturn

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_writer import StreamWriter

from .audio import Audio


class TooLongError(Exception):
    """An answer is longer than any should be."""


def _nothing() -> None:
    pass


class AudioPayload(aiohttp.payload.Payload):
    """A body with audio, and what is before and after it, sent in as few writes as possible.

    Its length is known: without a Content-Length whisper-server would wait forever. `begun` is
    called when the first byte is about to be sent; sent: whether all bytes were.
    """

    def __init__(
        self,
        audio: Audio,
        content_type: str,
        *,
        head: bytes = b"",
        tail: bytes = b"",
        begun: Callable[[], object] = _nothing,
    ) -> None:
        super().__init__(None, content_type=content_type)
        self._audio = audio
        self._head = head
        self._tail = tail
        self._begun = begun
        self._size = len(head) + audio.size + len(tail)
        self.sent = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> NoReturn:
        """Raise TypeError: audio is not text."""
        raise TypeError("audio is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the body. Audio on disk is sent with sendfile, without reading it into memory."""
        self._begun()
        await writer.write(self._head)
        with self._audio.open() as file:
            if isinstance(file, io.BytesIO):
                await writer.write(file.getvalue())
            else:
                await _send_file(writer, file)
        await writer.write(self._tail)
        self.sent = True


def form_around_audio(fields: Iterable[tuple[str, str]]) -> tuple[str, bytes, bytes]:
    """Return the type of a form with these fields and a file, and what is before and after that."""
    boundary = uuid.uuid4().hex
    # whisper-server logs the file's name, so the client's is not passed on.
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in fields]
    parts.append('name="file"; filename="audio"\r\n\r\n')
    head = "\r\n".join(f"--{boundary}\r\nContent-Disposition: form-data; {x}" for x in parts)
    content_type = f"multipart/form-data; boundary={boundary}"
    return content_type, head.encode(), f"\r\n--{boundary}--\r\n".encode()


async def _send_file(writer: AbstractStreamWriter, file: IO[bytes]) -> None:
    transport = writer.transport if isinstance(writer, StreamWriter) else None
    if transport is None or transport.is_closing():
        raise aiohttp.ClientConnectionResetError("closed before the audio was sent")
    await asyncio.get_running_loop().sendfile(transport, file)


async def read_whole(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body of an answer, or raise TooLongError if it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise TooLongError
    return bytes(body)
