"""What a pool makes of many machines: `python -m bench.pool`.

Gateway and HAProxy are real; the members are fakes that take a given time. All of them and the load
are on this one machine, so where it ends tells of the gateway and of the load, not of the members.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port
from voicemode_whisper.core.pool import Member, Pool, haproxy_config
from voicemode_whisper.resources import TEMPLATES

from . import load, table
from .command import printed, say
from .contenders import OURS, STRAIGHT
from .figures import percentile
from .load import Connection
from .machine import described
from .measure import LARGE_BYTES, MB, SMALL_BYTES, UPLOADS
from .processes import (
    ROOT,
    BenchError,
    Launch,
    Server,
    peak_bytes,
    running,
    system_program,
)
from .requests import transcription, wav

COUNTS = (8, 16, 32, 64)
SECONDS = 20.0  # of each measurement
# What a sentence takes on the card of docs/benchmarks.md.
INFERENCE_SECONDS = 0.5
UNEQUAL = (0.8, 0.4, 0.2)  # of speeds 1:2:4
AT_ONCE = 2  # requests under way for each member, so that there is always one that waits
LEAST_EFFICIENCY = 0.95
GOALS = {"8 members", "speeds 1:2:4"}
SMALL_SAMPLES, LARGE_SAMPLES = 200, 40
QUEUE = 1000


@dataclass(frozen=True)
class Running:
    """A pool: the port of its gateway and of a member, and the processes that it costs."""

    gateway: Server
    haproxy: Server
    member: int


@contextmanager
def pool(seconds: Sequence[float], temporary: Path) -> Iterator[Running]:
    """Give a pool whose members take so many seconds for a request each."""
    ports = {free_port(): each for each in seconds}
    directory = Path(tempfile.mkdtemp(dir=temporary))
    with (
        running(_members(ports), next(iter(ports)), temporary),
        running(*_haproxy(list(ports), directory), temporary) as haproxy,
        running(*_gateway(directory), temporary) as gateway,
    ):
        yield Running(gateway, haproxy, next(iter(ports)))


def _members(ports: dict[int, float]) -> Launch:
    each = (f"{port}:{seconds}" for port, seconds in ports.items())
    return Launch((sys.executable, "-m", "bench.members", *each))


def _haproxy(ports: Sequence[int], directory: Path) -> tuple[Launch, int]:
    program = system_program("haproxy")
    if not program:
        raise BenchError("there is no haproxy: run make setup, or apt-get install haproxy")
    members = tuple(Member(f"m{port}", "127.0.0.1", port) for port in ports)
    found = Pool(members, str(directory), stats_port=free_port())
    file = directory / "haproxy.cfg"
    file.write_text(haproxy_config(found, (TEMPLATES / "haproxy.cfg.j2").read_text()))
    return Launch((program, "-db", "-f", str(file))), found.stats_port


def _gateway(directory: Path) -> tuple[Launch, int]:
    port = free_port()
    environment = {
        "PYTHONPATH": str(ROOT / "files"),
        "WHISPER_PROXY_PORT": str(port),
        "WHISPER_PROXY_POOL": str(directory),
        "WHISPER_PROXY_QUEUE": str(QUEUE),
    }
    return Launch((sys.executable, "-m", "whisper_proxy"), environment), port


def throughput(port: int, request: bytes, connections: int, seconds: float, warm: float) -> float:
    """Return the answers a second within so many seconds, `warm` seconds after all have begun."""
    begin = time.perf_counter() + warm
    end = begin + seconds
    with ThreadPoolExecutor(connections) as threads:
        taken = threads.map(lambda _: _answered(port, request, begin, end), range(connections))
    return sum(taken) / seconds


def _answered(port: int, request: bytes, begin: float, end: float) -> int:
    count = 0
    with Connection(port) as connection:
        while time.perf_counter() < end:
            connection.seconds(request)
            count += begin <= time.perf_counter() < end
    return count


def possible(seconds: Sequence[float]) -> float:
    """Return the requests a second of members that take so many seconds each, without a pause."""
    return sum(1 / each for each in seconds)


def efficiencies(counts: Sequence[int], seconds: float, temporary: Path) -> list[tuple[str, ...]]:
    """Return a row for each pool: requests a second, those that are possible, their ratio, goal."""
    pools = {f"{count} members": [INFERENCE_SECONDS] * count for count in counts}
    pools["speeds 1:2:4"] = list(UNEQUAL)
    return [_efficiency(name, each, seconds, temporary) for name, each in pools.items()]


def _efficiency(
    name: str, members: Sequence[float], seconds: float, temporary: Path
) -> tuple[str, ...]:
    say(f"{name}: requests of 0.35 MB for {seconds:.0f} s")
    request = transcription(wav(SMALL_BYTES))
    with pool(members, temporary) as found:
        connections = AT_ONCE * len(members)
        warm = 4 * max(members)
        rate = throughput(found.gateway.port, request, connections, seconds, warm)
    most = possible(members)
    verdict = ("met" if rate / most >= LEAST_EFFICIENCY else "missed") if name in GOALS else ""
    goal = f"≥ {LEAST_EFFICIENCY}" if name in GOALS else ""
    return name, f"{rate:.1f}", f"{most:.1f}", f"{rate / most:.3f}", goal, verdict


def latencies(temporary: Path) -> list[tuple[str, ...]]:
    """Return a row for each size: the median and the 99th percentile that a pool adds."""
    rows = []
    for size, samples in ((SMALL_BYTES, SMALL_SAMPLES), (LARGE_BYTES, LARGE_SAMPLES)):
        name = f"{size / MB:.2g} MB"
        say(f"{samples} requests of {name}, straight to a member and through the pool")
        with pool([0.0] * 3, temporary) as found:
            ports = {STRAIGHT: found.member, OURS: found.gateway.port}
            taken = load.latencies(ports, transcription(wav(size)), samples, SECONDS)
        rows.append((name, *(_added(taken, percent) for percent in (50, 99))))
    return rows


def _added(taken: load.Latencies, percent: int) -> str:
    straight, ours = (1000 * percentile(taken[name], percent) for name in (STRAIGHT, OURS))
    return table.number(ours - straight, "ms")


def memory(temporary: Path) -> str:
    """Return the peak memory of gateway and HAProxy with UPLOADS uploads of 25 MB at once."""
    say(f"memory with {UPLOADS} uploads of 25 MB at once")
    with pool([0.0] * 3, temporary) as found:
        load.burst(found.gateway.port, transcription(wav(LARGE_BYTES)), UPLOADS)
        peaks = [peak_bytes(server.pid) / MB for server in (found.gateway, found.haproxy)]
    gateway, haproxy = (table.number(peak, "MB") for peak in peaks)
    return f"Peak memory with {UPLOADS} uploads of 25 MB: gateway {gateway}, HAProxy {haproxy}."


def report(counts: Sequence[int], seconds: float, temporary: Path) -> str:
    """Return all figures."""
    machine = described()
    header = ("pool", "requests a second", "possible", "efficiency", "goal", "")
    scaling = table.aligned([header, *efficiencies(counts, seconds, temporary)])
    added = table.aligned([("added", "p50", "p99"), *latencies(temporary)])
    about = f"Each member takes {INFERENCE_SECONDS} s, or {', '.join(map(str, UNEQUAL))} s."
    return f"{scaling}\n\n{added}\n\n{memory(temporary)}\n\n{machine}.\n{about}"


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="bench.pool", description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=COUNTS, help="sizes of pools")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    options = parser.parse_args()
    # Not in TMPDIR, whose path may be too long for a socket.
    return printed(
        "bench.pool", lambda temporary: report(options.members, options.seconds, temporary), "/tmp"
    )


if __name__ == "__main__":
    sys.exit(main())
