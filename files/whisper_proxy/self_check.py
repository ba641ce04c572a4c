"""What of the proxy's own is broken: whether it can decode, and keep what is too large for memory.

Tried for real, as the programs on the service's PATH may be missing, be wrappers, or be half
upgraded, and a disk may be full, read-only or out of inodes or quota. `python -m
whisper_proxy.self_check` tells all of it, for tasks/doctor.py: one line of JSON.
"""

import asyncio
import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Literal

from . import bounded_process
from .audio import wav_seconds
from .bounded_process import Finished, MissingError
from .ffmpeg import NotAudioError, Track, decode_command, probe_command, probed
from .settings import load
from .spool import LONGEST_DECODED, MEMORY_BYTES, MIB, SpoolBudget, directory, open_file
from .tones import TONES

LOG = logging.getLogger(__name__)

Part = Literal["decoder", "spool"]

# What has waited for the proxy to start goes first.
FIRST_SECONDS = 1.0
SECONDS, SECONDS_IF_BROKEN, SECONDS_IF_SUSPECTED = 300.0, 10.0, 10.0
# A decoder needs a twentieth of a second, and gives way to everything else.
DECODER_SECONDS = 30.0
DECODED_BYTES = MIB
SHORTEST = 0.05  # seconds of a tone that are heard, whatever the encoder has cut off
LOCK = Path(__file__).parents[1] / "requirements.lock"


@dataclass(frozen=True)
class Fault:
    """A part that is broken. what: one line, which names the program or the directory."""

    part: Part
    what: str


class SelfCheck:
    """What was found broken when it was last tried: at the start, and every few minutes.

    decodes: whether it decodes at all, as a gateway to a pool does not.
    """

    def __init__(self, *, decodes: bool = True) -> None:
        self._decodes = decodes
        self.faults: tuple[Fault, ...] = ()
        self._suspected = asyncio.Event()

    @property
    def broken(self) -> list[Part]:
        """Return the parts that are broken."""
        return [fault.part for fault in self.faults]

    def suspect(self) -> None:
        """Have it tried again soon: a request has failed, of which it may be the cause."""
        self._suspected.set()

    async def run(self) -> None:
        """Try periodically until cancelled."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            self._suspected.clear()
            await self._try()
            if self.faults:
                await asyncio.sleep(SECONDS_IF_BROKEN)
            else:
                await self._wait()

    async def _try(self) -> None:
        try:
            found = await find_faults(decodes=self._decodes)
        except OSError:  # no descriptors or processes: nothing is known, and it passes
            return
        for fault in found:
            if fault not in self.faults:
                LOG.warning("%s is broken: %s", fault.part, fault.what)
        self.faults = found

    async def _wait(self) -> None:
        await asyncio.sleep(SECONDS_IF_SUSPECTED)
        try:
            async with asyncio.timeout(SECONDS):
                await self._suspected.wait()
        except TimeoutError:
            pass


async def find_faults(*, decodes: bool = True) -> tuple[Fault, ...]:
    """Return what is broken. Raises OSError if there are no processes or descriptors."""
    spool = await asyncio.to_thread(_spool_problem)
    decoder = await _decoder_problem() if decodes else ""
    found: dict[Part, str] = {"decoder": decoder, "spool": spool}
    return tuple(Fault(part, what) for part, what in found.items() if what)


def _spool_problem() -> str:
    """Keep what is just too large for memory, and return why that fails; empty if it does not."""
    try:
        with open_file() as file:
            file.write(bytes(MEMORY_BYTES + 1))
            file.flush()
    except OSError as error:
        return f"{directory()}: {os.strerror(error.errno) if error.errno else error}"
    return ""


async def _decoder_problem() -> str:
    """Decode a tone of each format, and return what fails; empty if nothing does."""
    tries = [("ffmpeg", name, decode_command(Track(None, "a:0"), 1)) for name in TONES]
    tries.append(("ffprobe", "AAC", probe_command()))
    for program, name, command in tries:
        problem = await _problem(program, name, command)
        if problem:
            return f"{_path(program)} {problem}"
    return ""


def _path(program: str) -> str:
    return shutil.which(program) or program


async def _problem(program: str, name: str, command: list[str]) -> str:
    with _file(TONES[name]) as source, _file() as output:
        kept = output if program == "ffmpeg" else None
        try:
            async with asyncio.timeout(DECODER_SECONDS):
                finished = await bounded_process.run(
                    command, source.fileno(), kept, file_bytes=DECODED_BYTES
                )
        except MissingError as error:
            return f"cannot be run: {error.why}" if error.why else "is not installed"
        except TimeoutError:
            return f"does not end within {DECODER_SECONDS:.0f} s"
        wrong = _wrong(finished, TONES[name], kept)
    return f"does not decode {name}: {wrong}" if wrong else ""


def _wrong(finished: Finished, tone: bytes, output: IO[bytes] | None) -> str:
    """Return what is wrong with what a program has made of a tone; empty if it is right."""
    said = (finished.errors.strip().splitlines() or [""])[-1].strip()[:200]
    if finished.status:
        return said or f"exit status {finished.status}"
    if output:
        is_heard = (wav_seconds(output) or 0) >= SHORTEST
        return "" if is_heard else said or "it writes no sound"
    try:
        track = probed(finished.output, finished.errors, tone).track
    except NotAudioError:
        track = None
    return "" if track else said or "it finds no sound"


@contextmanager
def _file(content: bytes = b"") -> Iterator[IO[bytes]]:
    """Provide a file in memory: the disk may be full."""
    with open(os.memfd_create("tone"), "w+b") as file:
        file.write(content)
        file.flush()
        yield file


def changed_packages(lock: str) -> list[str]:
    """Return the packages that are not as a lock file says, each with what is there instead."""
    # With a marker after it, one is for other Pythons alone, perhaps.
    pinned = re.findall(r"^([^\s#=]+)==(\S+) \\$", lock, re.MULTILINE)
    found = [(name, version, _installed(name)) for name, version in pinned]
    return [
        f"{name} {there} instead of {version}" for name, version, there in found if there != version
    ]


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def report() -> str:
    """Return all that is known, as a line of JSON."""
    settings = load({}, os.environ)
    return json.dumps(
        {
            "faults": [asdict(fault) for fault in asyncio.run(find_faults())],
            "ffmpeg": _path("ffmpeg"),
            "formats": list(TONES),
            "spool": directory(),
            "budget": SpoolBudget(settings.spool_bytes, 1).limit,
            "largest": settings.max_upload * MIB + LONGEST_DECODED,
            "packages": changed_packages(LOCK.read_text()) if LOCK.exists() else [],
        }
    )


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
