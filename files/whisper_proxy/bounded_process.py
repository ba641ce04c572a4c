"""Runs ffmpeg and ffprobe within bounds, as a crafted file can make them take anything."""

import asyncio
import os
import re
import signal
import time
from asyncio import StreamReader
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

MIB = 1024 * 1024
# Of private, writable memory (RLIMIT_DATA): ffmpeg takes 50 MiB for ordinary files. Not RLIMIT_AS,
# which also counts libraries, and what each thread reserves but never touches.
MEMORY_BYTES = 320 * MIB
CPU_SECONDS = 120  # 4 hours of MP3 take about 12 s
WALL_SECONDS = 300.0
MAX_FILES = 64
# Speech is served before recordings of hours: who takes longer than this yields to the others.
LONG_SECONDS = 5.0
NICE, NICE_WHEN_LONG = 10, 19
TAIL_BYTES = 512 * 1024  # of standard output and error: the measured levels of 4 hours, and more
# The C library's messages in English; they are looked for.
LOCALE = {"LC_ALL": "C"}
NOT_RUN = (126, 127)  # exit statuses of prlimit, and of the dynamic loader if a library is missing

NO_PROGRAM = re.compile("failed to execute .*: No such file or directory")  # prlimit's words


class MissingError(Exception):
    """A program, which it names, is not installed or cannot be loaded. why: one line, or empty."""

    def __init__(self, program: str, why: str = "") -> None:
        super().__init__(program)
        self.why = why


@dataclass(frozen=True)
class Finished:
    """status: exit status, if negative the signal. output, errors: the end of what was printed."""

    status: int
    output: str
    errors: str
    seconds: float


async def run(
    arguments: list[str], source: int, output: IO[bytes] | None = None, *, file_bytes: int = 0
) -> Finished:
    """Run a program to its end, its input from a descriptor; it never outlives the call.

    output: a file for its standard output, of up to `file_bytes`; without one, it is returned.
    Raises MissingError, OSError if it cannot be started, TimeoutError after WALL_SECONDS.
    """
    started = time.monotonic()
    process = await _started([*_bounds(file_bytes), *arguments], source, output)
    try:
        with _yielding(process.pid):
            async with asyncio.timeout(WALL_SECONDS):
                printed = await asyncio.gather(_tail(process.stdout), _tail(process.stderr))
                status = await process.wait()
    finally:
        await _end(process)
    if status in NOT_RUN:
        raise MissingError(arguments[0], _why(printed[1]))
    return Finished(status, *printed, time.monotonic() - started)


def _why(errors: str) -> str:
    """Return why a program could not be run; empty if there is none."""
    last = errors.strip().rpartition("\n")[2][:200]
    return "" if NO_PROGRAM.search(last) else last


async def _started(arguments: list[str], source: int, output: IO[bytes] | None) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *arguments,
            stdin=source,
            stdout=output or PIPE,
            stderr=PIPE,
            env=os.environ | LOCALE,
            process_group=0,
        )
    except FileNotFoundError:
        raise MissingError(arguments[0]) from None


def _bounds(file_bytes: int) -> list[str]:
    """Return the command that sets the limits and becomes the program that follows.

    It is util-linux's prlimit, so that they hold from the first instruction on. preexec_fn is not
    safe beside threads, and resource.prlimit() would come as late as the event loop is busy.
    """
    return [
        "prlimit",
        f"--data={MEMORY_BYTES}",
        f"--cpu={CPU_SECONDS}",  # soft and hard: ffmpeg would take SIGXCPU for a request to finish
        f"--fsize={file_bytes}",
        f"--nofile={MAX_FILES}",
        "--core=0",
    ]


async def _tail(stream: StreamReader | None) -> str:
    kept = b""
    while stream and (chunk := await stream.read(65536)):
        kept = (kept + chunk)[-TAIL_BYTES:]
    return kept.decode(errors="replace")


@contextmanager
def _yielding(pid: int) -> Iterator[None]:
    """Let the process give way to the proxy, and after LONG_SECONDS to other decoders."""
    _set_nice(pid, NICE)
    timer = asyncio.get_running_loop().call_later(LONG_SECONDS, _set_nice, pid, NICE_WHEN_LONG)
    try:
        yield
    finally:
        timer.cancel()


def _set_nice(pid: int, nice: int) -> None:
    with suppress(OSError):  # it has just ended
        os.setpriority(os.PRIO_PGRP, pid, nice)  # the group has all of its threads


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()  # wait() alone may wait for pipes that nobody reads
