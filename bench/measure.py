"""One run: all contenders up at once, and measured in turn."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.ports import free_port

from . import contenders, load
from .command import say
from .contenders import STRAIGHT, Start
from .figures import Figure, Row, added
from .processes import Server, peak_bytes, running
from .requests import transcription, wav

MB = 1_000_000
SMALL_BYTES = 352_044  # 11 s of speech
LARGE_BYTES = 25 * MB  # the most that OpenAI takes
SMALL_SAMPLES = 1000
LARGE_SAMPLES = 100
LATENCY_SECONDS = 50.0  # at most, for each size
CONNECTIONS = 8
ROUNDS = 4
ROUND_SECONDS = 1.5
UPLOADS = 50

SMALL_P50 = Figure("added p50, 0.35 MB", "ms", of_nginx=3.5)
SMALL_P99 = Figure("added p99, 0.35 MB", "ms")
LARGE_P50 = Figure("added p50, 25 MB", "ms", of_nginx=1.6)
LARGE_P99 = Figure("added p99, 25 MB", "ms")
RATE = Figure("requests a second, 0.35 MB", "", of_nginx=0.6, more_is_better=True)
MEMORY = Figure("peak memory, 50 x 25 MB at once", "MB", goal=100)


def measure(temporary: Path) -> list[Row]:
    """Return all figures. Files are written below `temporary`."""
    starts = contenders.contenders(temporary)
    small, large = (transcription(wav(size)) for size in (SMALL_BYTES, LARGE_BYTES))
    with upstream(temporary) as port:
        with _all(starts, port, temporary) as ports:
            rows = [*_latencies(ports, small, large), _rates(ports, small)]
        say(f"memory with {UPLOADS} uploads of 25 MB at once")
        peaks = {name: _peak(start, port, large, temporary) for name, start in starts.items()}
    return [*rows, Row(MEMORY, _known(peaks))]


@contextmanager
def upstream(temporary: Path) -> Iterator[int]:
    """Give the port of a fake whisper-server."""
    port = free_port()
    with running(contenders.upstream(port), port, temporary):
        yield port


@contextmanager
def started(start: Start, upstream: int, temporary: Path) -> Iterator[Server]:
    """Give a contender before that upstream."""
    port = free_port()
    with running(start(port, upstream), port, temporary) as server:
        yield server


@contextmanager
def _all(starts: Mapping[str, Start], upstream: int, temporary: Path) -> Iterator[dict[str, int]]:
    with ExitStack() as stack:
        ports = {STRAIGHT: upstream}
        for name, start in starts.items():
            ports[name] = stack.enter_context(started(start, upstream, temporary)).port
        yield ports


def _latencies(ports: Mapping[str, int], small: bytes, large: bytes) -> list[Row]:
    say(f"{SMALL_SAMPLES} requests of 0.35 MB to each")
    few = load.latencies(ports, small, SMALL_SAMPLES, LATENCY_SECONDS)
    say(f"{LARGE_SAMPLES} requests of 25 MB to each")
    many = load.latencies(ports, large, LARGE_SAMPLES, LATENCY_SECONDS)
    return [
        added(SMALL_P50, 50, few),
        added(SMALL_P99, 99, few),
        added(LARGE_P50, 50, many),
        added(LARGE_P99, 99, many),
    ]


def _rates(ports: Mapping[str, int], request: bytes) -> Row:
    """Return the requests a second, the mean of rounds in which each has its turn."""
    say(f"requests a second over {CONNECTIONS} connections")
    rounds = [{name: _rate(port, request) for name, port in ports.items()} for _ in range(ROUNDS)]
    means = {name: sum(one[name] for one in rounds) / ROUNDS for name in ports}
    return Row(RATE, means)


def _rate(port: int, request: bytes) -> float:
    return load.rate(port, request, CONNECTIONS, ROUND_SECONDS)


def _peak(start: Start, upstream: int, request: bytes, temporary: Path) -> float | None:
    """Return a fresh contender's peak memory in MB; None if it refuses."""
    with started(start, upstream, temporary) as server:
        try:
            load.burst(server.port, request, UPLOADS)
        except load.RefusedError:
            return None
        return peak_bytes(server.pid) / MB


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}
