"""Where uploads wait: spools in memory or on disk, and the budget that all of them share.

Nothing here waits for room: uploads that held a part of it and waited for the rest would wait for
each other.
"""

import errno
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from .audio import BYTES_A_SECOND, reader
from .errors import ApiError

MIB = 1024 * 1024
MEMORY_BYTES = MIB // 2  # 16 seconds of speech from VoiceMode
# For all spools in memory together: the 32 that wait for the GPU. The next ones go to disk.
MEMORY_ROOM = 16 * MIB
# Only for uploads of up to MEMORY_BYTES, so that dictation gets through beside long recordings.
SMALL_ROOM = 16 * MIB
# Decoded audio: what four decoders may write at a time, each a recording of 4 hours, and two such
# that are decoded.
LONGEST_DECODED = 4 * 3600 * BYTES_A_SECOND
DECODING_ROOM = 4 * LONGEST_DECODED
DECODED_ROOM = 2 * LONGEST_DECODED
# Errors of a disk, or a user's share of it, that has no room. They pass.
DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
RETRY_AFTER = {"Retry-After": "5"}


def directory() -> str:
    """Return where spools lie: TMPDIR, otherwise /var/tmp, as /tmp is memory on Arch.

    Python's own choice would be another directory for good if this one was full once.
    """
    return os.environ.get("TMPDIR") or "/var/tmp"


def open_file() -> IO[bytes]:
    """Return a new unnamed file for a spool, which is gone when it is closed."""
    return tempfile.TemporaryFile(dir=directory())


class SpoolBudget:
    """What all spools together may hold, in bytes, and how many uploads may be under way.

    uploads: bytes for uploads, in memory and on disk. Decoded audio has room of its own, so that
    whoever is nearly through gets through.
    """

    def __init__(self, uploads: int, max_open: int) -> None:
        self.limit = uploads + DECODING_ROOM + DECODED_ROOM
        self.open = 0
        self._uploads = uploads
        self._large = uploads - min(SMALL_ROOM, uploads // 4)
        self._used = 0
        self._memory = 0
        self._max_open = max_open
        self._outputs: set[IO[bytes]] = set()

    @property
    def used(self) -> int:
        """Return the bytes that are kept for uploads, and those that decoders have written."""
        return self._used + self._decoded()

    @property
    def full(self) -> bool:
        """Whether an upload that is not small would be refused."""
        return (
            self._used + MEMORY_BYTES >= self._large
            or self.open >= self._max_open
            or _free_on_disk() < MEMORY_BYTES
        )

    @contextmanager
    def upload(self) -> Iterator["Spool"]:
        """Provide the spool of one upload. Raises ApiError 503 if too many are under way."""
        if self.open >= self._max_open:
            raise _refused("Too many uploads are under way.", "too_many_uploads")
        spool = Spool(Claim(self))
        self.open += 1
        try:
            yield spool
        finally:
            self.open -= 1
            spool.close()

    @contextmanager
    def output(self) -> Iterator[IO[bytes]]:
        """Provide an empty file for what a decoder writes, up to LONGEST_DECODED.

        Raises ApiError 503 if what is decoded already leaves too little room, OSError if the disk
        is full.
        """
        if self._decoded() > DECODED_ROOM:
            raise _spool_full()
        with open_file() as file:
            self._outputs.add(file)
            try:
                yield file
            finally:
                self._outputs.discard(file)

    def take(self, size: int, whole: int) -> None:
        """Take bytes for an upload of `whole` bytes, as far as that is known, or give them back.

        Raises ApiError 503 if there are not as many.
        """
        room = self._uploads if whole <= MEMORY_BYTES else self._large
        if size > 0 and size > room - self._used:
            raise _spool_full()
        self._used += size

    def take_memory(self, size: int) -> bool:
        """Take bytes of the memory for spools, or give them back; False if there are none."""
        if size > MEMORY_ROOM - self._memory:
            return False
        self._memory += size
        return True

    def _decoded(self) -> int:
        return sum(os.fstat(file.fileno()).st_size for file in self._outputs)


class Claim:
    """An upload's part of the budget. size, memory: bytes, in all and those in memory."""

    def __init__(self, budget: SpoolBudget) -> None:
        self._budget = budget
        self.size = 0
        self.memory = 0

    def resize(self, size: int) -> None:
        """Hold this many bytes from now on. Raises ApiError 503 if there are not as many."""
        self._budget.take(size - self.size, size)
        self.size = size

    def keep_in_memory(self, size: int) -> bool:
        """Hold this many bytes in memory from now on; False if there are not as many."""
        taken = self._budget.take_memory(size - self.memory)
        if taken:
            self.memory = size
        return taken


class Spool:
    """Bytes of any length: in memory up to MEMORY_BYTES, otherwise in an unnamed file."""

    def __init__(self, claim: Claim) -> None:
        self.size = 0
        self._claim = claim
        self._file: IO[bytes] = io.BytesIO()

    def expect(self, size: int) -> None:
        """Hold room for this many bytes, on disk if they will not be kept in memory."""
        if size > self._claim.size:
            self._claim.resize(size)
        if isinstance(self._file, io.BytesIO) and not self._fits_in_memory(size):
            self._move_to_disk()

    def write(self, chunk: bytes) -> None:
        """Append a chunk. Raises OSError if the disk is full, ApiError if the budget is."""
        self.expect(self.size + len(chunk))
        self.size += self._file.write(chunk)

    def complete(self) -> None:
        """Give back the room that was expected to be needed, and was not."""
        self._claim.resize(self.size)

    def close(self) -> None:
        """Free what it holds."""
        with suppress(OSError):  # the disk was full, and still is: nobody needs the last bytes
            self._file.close()
        self._claim.keep_in_memory(0)
        self._claim.resize(0)

    def _fits_in_memory(self, size: int) -> bool:
        return size <= MEMORY_BYTES and self._claim.keep_in_memory(max(size, self._claim.memory))

    def _move_to_disk(self) -> None:
        disk = open_file()
        with self._file as memory:
            memory.seek(0)
            disk.write(memory.read())
        self._file = disk
        self._claim.keep_in_memory(0)

    def open(self) -> IO[bytes]:
        """Return a new reader at the first byte; the caller closes it."""
        if isinstance(self._file, io.BytesIO):
            return io.BytesIO(self._file.getvalue())  # shares the buffer, copies nothing
        self._file.flush()
        return reader(self._file)


def disk_full() -> ApiError:
    """Return the error for a disk without room."""
    return ApiError(507, "No room on the proxy's disk.", code="disk_full", headers=RETRY_AFTER)


def _spool_full() -> ApiError:
    return _refused("The proxy has no room for more uploads.", "spool_full")


def _refused(problem: str, code: str) -> ApiError:
    return ApiError(503, f"{problem} Try again.", code=code, headers=RETRY_AFTER)


def _free_on_disk() -> int:
    try:
        found = os.statvfs(directory())
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
