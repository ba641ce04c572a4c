"""The parser of multipart/form-data that this proxy uses, beside others.

Each gets the same body, in pieces as they come from a connection, and hands on the file and the
fields' values. What they need is installed into the bench's temporary directory.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .processes import ROOT, BenchError
from .requests import BOUNDARY, transcription, wav
from .table import aligned, number

OURS = "multipart (this proxy)"
PYTHON = "python-multipart"
CYTHON = "streaming-form-data"
SIZES = {"0.35 MB": 352_044, "25 MB": 25_000_000}
PIECE_BYTES = 128 * 1024  # as much as the proxy receives in one go
SECONDS = 2.0  # for each
INSTALL_SECONDS = 120.0

# Feeds the pieces of a body to a parser, and what it finds, to the function.
Parser = Callable[[list[bytes], Callable[[bytes], object]], None]


def ours(pieces: list[bytes], found: Callable[[bytes], object]) -> None:
    """Parse as this proxy does, with `multipart`."""
    from whisper_proxy.multipart import Multipart

    left = iter(pieces)

    async def read() -> bytes:
        return next(left, b"")

    async def parse() -> None:
        parts = Multipart(f"multipart/form-data; boundary={BOUNDARY}", read)
        while await parts.next_part() is not None:
            while chunk := await parts.chunk():
                found(chunk)

    coroutine = parse()
    try:
        coroutine.send(None)  # it never waits
    except StopIteration:
        return


def python(pieces: list[bytes], found: Callable[[bytes], object]) -> None:
    """Parse with python-multipart, as Starlette does."""
    from python_multipart import MultipartParser

    callbacks = {"on_part_data": lambda data, start, end: found(data[start:end])}
    parser = MultipartParser(BOUNDARY, callbacks)
    for piece in pieces:
        parser.write(piece)
    parser.finalize()


def cython(pieces: list[bytes], found: Callable[[bytes], object]) -> None:
    """Parse with streaming-form-data, which is compiled."""
    from streaming_form_data import StreamingFormDataParser
    from streaming_form_data.targets import BaseTarget

    class Target(BaseTarget):  # type: ignore[misc]
        def on_data_received(self, chunk: bytes) -> None:
            found(chunk)

    parser = StreamingFormDataParser({"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    for name in ("model", "response_format", "file"):
        parser.register(name, Target())
    for piece in pieces:
        parser.data_received(piece)


PARSERS: dict[str, Parser] = {OURS: ours, PYTHON: python, CYTHON: cython}


def pieces(size: int) -> tuple[list[bytes], int]:
    """Return a body with audio of about `size` bytes, in pieces, and the bytes of its parts."""
    audio = wav(size)
    body = transcription(audio).partition(b"\r\n\r\n")[2]
    cut = [body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)]
    return cut, len(audio) + len("whisper-1") + len("json")


def milliseconds(parser: Parser, body: list[bytes], expected: int) -> float:
    """Return the processor time of one body, the least of many; BenchError if bytes are missing."""
    least, end = float("inf"), time.monotonic() + SECONDS
    while time.monotonic() < end:
        found: list[bytes] = []
        started = time.process_time()
        parser(body, found.append)
        least = min(least, time.process_time() - started)
        if sum(map(len, found)) != expected:
            raise BenchError(f"{parser.__name__} does not find all {expected} bytes")
    return 1000 * least


def measured() -> Iterator[tuple[str, dict[str, float]]]:
    """Yield each size with the milliseconds of each parser."""
    for name, size in SIZES.items():
        body, expected = pieces(size)
        yield name, {one: milliseconds(parser, body, expected) for one, parser in PARSERS.items()}


def report(temporary: Path) -> str:
    """Return the table; a line instead if the others cannot be installed."""
    target = temporary / "parsers"
    lock = ROOT / "requirements" / "bench.lock"
    install = [*(sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes")]
    install += ["--disable-pip-version-check", "--target", str(target), "-r", str(lock)]
    try:
        subprocess.run(install, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return "The other parsers of multipart/form-data cannot be installed here."
    return table(json.loads(_run(target)))


def _run(target: Path) -> str:
    command = [sys.executable, "-W", "ignore", "-m", "bench.parsers", str(target)]
    environment = {"PYTHONPATH": str(ROOT / "files"), "PATH": "/usr/bin:/bin"}
    found = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    return found.stdout


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return the table of milliseconds, with ratios to this proxy's."""
    lines = [("to parse", *PARSERS)]
    for name, taken in rows.items():
        cells = [f"{number(x, 'ms')} ({x / taken[OURS]:.2f})" for x in taken.values()]
        lines.append((name, *cells))
    return aligned(lines)


if __name__ == "__main__":
    sys.path.append(sys.argv[1])  # last, as python-multipart has a package `multipart` too
    print(json.dumps(dict(measured())))
