"""Converts audio of any format to 16 kHz mono 16-bit WAV, with ffmpeg as a subprocess."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import IO, Protocol

from .audio import RATE, demuxer, wav_seconds
from .errors import ApiError, invalid
from .spool import open_file

MAX_SECONDS = 4 * 3600  # of audio: 460 MB decoded, however small the upload
DECODE_SECONDS = 120.0  # 4 hours of MP3 take about 20 s
MAX_PROCESSES = 4
NOT_RUN = 127  # the dynamic loader's exit status if a library is missing


class Upload(Protocol):
    """Bytes that can be read any number of times."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def open(self) -> IO[bytes]:
        """Return a new reader at the first byte; the caller closes it."""


@dataclass(frozen=True)
class Wav:
    """A WAV file of 16 kHz mono 16-bit PCM: its duration and its size in bytes.

    open: returns a new reader at the first byte; the caller closes it.
    """

    seconds: float
    size: int
    open: Callable[[], IO[bytes]]


# Opens an empty file, which is gone after the context.
OpenOutput = Callable[[], AbstractContextManager[IO[bytes]]]


class Decoder:
    """Decodes a few uploads at a time, at most one per processor."""

    def __init__(self, output: OpenOutput = open_file) -> None:
        self._output = output
        processors = len(os.sched_getaffinity(0))
        self._slots = asyncio.Semaphore(min(MAX_PROCESSES, processors))

    @asynccontextmanager
    async def as_wav(self, upload: Upload) -> AsyncIterator[Wav]:
        """Provide the upload as WAV within the context; it is not copied if it already is.

        Raises ApiError: 400 if it is not audio or is empty, 413 if it is too long, 501 if ffmpeg
        is needed but missing. Cancelling this ends ffmpeg.
        """
        with upload.open() as file:
            seconds, kind = wav_seconds(file), demuxer(file)
        if seconds is not None:
            yield _bounded(Wav(seconds, upload.size, upload.open))
        elif kind is None:
            raise _undecodable("`file` is in no format that is known here.")
        else:
            with self._output() as output:
                await self._decode(upload, kind, output)
                yield _bounded(_decoded(output))

    async def _decode(self, upload: Upload, kind: str, output: IO[bytes]) -> None:
        async with self._slots:
            with upload.open() as file, _descriptor(file) as source:
                status = await _run(command(kind), source, output)
        if status == NOT_RUN:
            raise _missing()
        if status:
            raise _undecodable("`file` is damaged, or has no sound in it.")


def command(kind: str) -> list[str]:
    """Return ffmpeg's command line: standard input to standard output, both seekable files.

    The demuxer is fixed and the protocols are restricted, as a crafted file can refer to other
    files, even over the network. Metadata is dropped.
    """
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-v", "error"),
        *("-protocol_whitelist", "file,pipe,fd", "-f", kind, "-i", "/proc/self/fd/0"),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-bitexact"),
        *("-ac", "1", "-ar", str(RATE), "-c:a", "pcm_s16le", "-t", str(MAX_SECONDS + 1)),
        *("-f", "wav", "-y", "/proc/self/fd/1"),
    ]


@contextmanager
def _descriptor(file: IO[bytes]) -> Iterator[int]:
    """Provide a file descriptor; bytes in memory, which have none, are copied to a memfd."""
    if not isinstance(file, io.BytesIO):
        yield file.fileno()
        return
    with open(os.memfd_create("upload"), "wb") as copy:
        copy.write(file.getbuffer())
        copy.flush()
        yield copy.fileno()


async def _run(arguments: list[str], source: int, output: IO[bytes]) -> int:
    """Run a program and return its exit status, or raise ApiError. It never outlives the call."""
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=source, stdout=output, stderr=asyncio.subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise _missing() from None
    try:
        async with asyncio.timeout(DECODE_SECONDS):
            return await process.wait()
    except TimeoutError:
        message = f"`file` took longer than {DECODE_SECONDS:.0f} s to decode."
        raise _undecodable(message) from None
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _decoded(file: IO[bytes]) -> Wav:
    seconds = wav_seconds(file)
    if seconds is None:
        raise _undecodable("`file` has no sound in it.")
    size = file.seek(0, os.SEEK_END)
    # Not a duplicate of the descriptor, which would share the file position.
    return Wav(seconds, size, lambda: open(f"/proc/self/fd/{file.fileno()}", "rb"))


def _bounded(wav: Wav) -> Wav:
    if wav.seconds > MAX_SECONDS:
        message = f"The audio is longer than {MAX_SECONDS // 3600} hours."
        raise ApiError(413, message, param="file", code="audio_too_long")
    return wav


def _undecodable(problem: str) -> ApiError:
    message = f"{problem} Send flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav or webm."
    return invalid("file", message, "undecodable_audio")


def _missing() -> ApiError:
    # Otherwise OpenAI's client would retry a 501.
    return ApiError(
        501,
        "ffmpeg is missing on the server, so that it takes only WAV of 16 kHz, mono, 16-bit PCM.",
        param="file",
        code="ffmpeg_missing",
        headers={"x-should-retry": "false"},
    )
