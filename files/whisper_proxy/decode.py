"""Converts audio of any format to 16 kHz mono 16-bit WAV, with ffmpeg as a subprocess."""

import io
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, replace
from typing import IO

from . import bounded_process
from .audio import BYTES_A_SECOND, Audio, demuxer, reader, wav_seconds
from .bounded_process import Finished, MissingError
from .decode_queue import DecodeQueue, overloaded
from .errors import ApiError, invalid
from .ffmpeg import (
    HEADER_BYTES,
    NotAudioError,
    Probe,
    Track,
    cancels_out,
    decode_command,
    probe_command,
    probed,
)
from .log_context import add_log_context
from .metrics import Metrics
from .self_check import SelfCheck
from .spool import disk_full, open_file

MAX_SECONDS = 4 * 3600  # of audio: 460 MB decoded, however small the upload
MAX_OUTPUT_BYTES = (MAX_SECONDS + 2) * BYTES_A_SECOND
DISK_FULL = ("No space left on device", "Disk quota exceeded")
NO_MEMORY = "Cannot allocate memory"
UNDECODABLE = "undecodable_audio"
NO_DECODER = re.compile("(?i)no decoder|decoder .* not found")


@dataclass(frozen=True)
class Wav:
    """A WAV file of 16 kHz mono 16-bit PCM: its duration and its size in bytes.

    open: returns a new reader at the first byte; the caller closes it. Without a sample, seconds is
    0 and the file may be of any form.
    """

    seconds: float
    size: int
    open: Callable[[], IO[bytes]]


# Opens an empty file, which is gone after the context.
OpenOutput = Callable[[], AbstractContextManager[IO[bytes]]]
# Keeps a place in the queue for the GPU for what is decoded within the context.
KeepPlace = Callable[[], AbstractContextManager[None]]


class Decoder:
    """Decodes a few uploads at a time; the others wait in its queue."""

    def __init__(
        self,
        queue: DecodeQueue,
        metrics: Metrics,
        output: OpenOutput = open_file,
        place: KeepPlace = nullcontext,
        check: SelfCheck | None = None,
    ) -> None:
        self.queue = queue
        self.metrics = metrics
        self._output = output
        self._place = place
        self._check = check or SelfCheck()

    @asynccontextmanager
    async def as_wav(self, upload: Audio) -> AsyncIterator[Wav]:
        """Provide the upload as WAV within the context; it is not copied if it already is.

        Raises ApiError: 400 if it is not audio or exceeds a bound, 413 if it is too long, 501 if
        ffmpeg is needed but missing or broken, 503 if there is no decoder or no room for what it
        has written, 507 if the disk is full; and OSError. Cancelling this ends ffmpeg.
        """
        with upload.open() as file:
            seconds, kind = wav_seconds(file), demuxer(file)
        if seconds is not None:
            yield _bounded(Wav(seconds, upload.size, upload.open))
            return
        with ExitStack() as kept:
            with self._place():
                async with self.queue.slot():
                    wav = await self._timed(upload, kind, kept)
            yield _bounded(wav)

    async def _timed(self, upload: Audio, kind: str | None, kept: ExitStack) -> Wav:
        started = time.monotonic()
        try:
            with _no_failures_of_the_server(), self._suspicions():
                return await _decoded(upload, kind, kept.enter_context(self._output()))
        finally:
            seconds = time.monotonic() - started
            self.metrics.decode_seconds.observe(seconds)
            add_log_context(decode_ms=round(seconds * 1000))

    @contextmanager
    def _suspicions(self) -> Iterator[None]:
        """Do not say of a recording that it is damaged if it is ffmpeg that is known to be."""
        try:
            yield
        except MissingError:
            self._check.suspect()
            raise
        except ApiError as error:
            self._check.suspect()
            if error.code == UNDECODABLE and "decoder" in self._check.broken:
                raise _unusable("ffmpeg is broken") from None
            raise


async def _decoded(upload: Audio, kind: str | None, output: IO[bytes]) -> Wav:
    """Decode as what the file seems to be, or else as what ffprobe finds that it is."""
    with upload.open() as file, _descriptor(file) as source:
        if kind and await _converted(Track(kind, "a:0"), source, output):
            return _wav(output)
        try:
            probe = await _probe(source)
        except NotAudioError as error:
            raise _undecodable(str(error)) from None
        if probe.track is None or await _converted(probe.track, source, output):
            return _wav(output)
        if probe.track.decoder:  # this ffmpeg may have been built without it
            other = replace(probe.track, decoder=None)
            if await _converted(other, source, output):
                return _wav(output)
    raise _undecodable("`file` is encrypted." if probe.encrypted else "`file` is damaged.")


async def _probe(source: int) -> Probe:
    finished = await bounded_process.run(probe_command(), source)
    _check(finished)
    return probed(finished.output, finished.errors, os.pread(source, HEADER_BYTES, 0))


async def _converted(track: Track, source: int, output: IO[bytes]) -> bool:
    """Write the track to the file, again if its channels cancel out; False if it is damaged."""
    finished = await _convert(track, source, output)
    if not finished.status and cancels_out(finished.errors):
        finished = await _convert(track, source, output, first_channel=True)
    if finished.errors and not wav_seconds(output):
        # A part of a sample behind a header is no damage, nothing in a large file is.
        return not finished.status and os.fstat(source).st_size < HEADER_BYTES
    return not finished.status


async def _convert(
    track: Track, source: int, output: IO[bytes], *, first_channel: bool = False
) -> Finished:
    command = decode_command(track, MAX_SECONDS + 1, first_channel=first_channel)
    finished = await bounded_process.run(command, source, output, file_bytes=MAX_OUTPUT_BYTES)
    _check(finished)
    return finished


def _check(finished: Finished) -> None:
    """Raise ApiError if a program failed for another reason than a damaged file."""
    if any(message in finished.errors for message in DISK_FULL):
        raise disk_full()
    if finished.status and NO_MEMORY in finished.errors:
        mib = bounded_process.MEMORY_BYTES // bounded_process.MIB
        raise _undecodable(f"`file` takes more than {mib} MiB of memory to decode.")
    if finished.status and NO_DECODER.search(finished.errors):
        raise _undecodable("`file` has sound of a kind that ffmpeg cannot decode.")
    if finished.status == -signal.SIGXFSZ:
        raise _too_long()
    if finished.status == -signal.SIGKILL:
        raise _killed(finished.seconds)


def _killed(seconds: float) -> ApiError:
    limit = bounded_process.CPU_SECONDS
    if seconds * len(os.sched_getaffinity(0)) < limit:
        return overloaded("The decoder was killed, perhaps for want of memory.")
    return _undecodable(f"`file` takes more than {limit} s of processor time to decode.")


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


def _wav(file: IO[bytes]) -> Wav:
    size = file.seek(0, os.SEEK_END)
    seconds = wav_seconds(file) or 0.0
    return Wav(seconds, size, lambda: reader(file))


def _bounded(wav: Wav) -> Wav:
    if wav.seconds > MAX_SECONDS:
        raise _too_long()
    return wav


def _too_long() -> ApiError:
    message = f"The audio is longer than {MAX_SECONDS // 3600} hours."
    return ApiError(413, message, param="file", code="audio_too_long")


@contextmanager
def _no_failures_of_the_server() -> Iterator[None]:
    """Raise ApiError if the server lacks a program, or is too slow."""
    try:
        yield
    except MissingError as error:
        raise _unusable(f"{error} is {'broken' if error.why else 'missing'}") from None
    except TimeoutError:
        raise overloaded("Decoding took too long.") from None


def _undecodable(problem: str) -> ApiError:
    message = f"{problem} Send flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav or webm."
    return invalid("file", message, UNDECODABLE)


def _unusable(problem: str) -> ApiError:
    # Otherwise OpenAI's client would retry a 501.
    return ApiError(
        501,
        f"{problem} on the server, so that it takes only WAV of 16 kHz, mono, 16-bit PCM.",
        param="file",
        code="ffmpeg_missing",
        headers={"x-should-retry": "false"},
    )
