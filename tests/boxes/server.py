"""The sources server as a process: its start, its end, and what it was asked for."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import caches, kinds, network
from .shell import BoxError
from .state import CHECKOUT, LOG, STATE, Process, write_whole
from .system import SOURCES_PORT

RECORD = STATE / "sources.json"
REQUESTS = LOG / "requests.jsonl"
ERRORS = LOG / "sources.log"


@dataclass(frozen=True)
class Request:
    """One request that the server answered."""

    client: str  # the address that it came from
    method: str
    path: str  # with the query
    status: int
    size: int  # bytes of the answer's body


def mark() -> int:
    """A point in the log, for `requests_since`."""
    return REQUESTS.stat().st_size


def requests_since(point: int, address: str) -> list[Request]:
    """What the box at an address has fetched since `mark()` returned `point`, in order."""
    time.sleep(0.1)  # a request is logged a moment after its answer has arrived
    with REQUESTS.open() as log:
        log.seek(point)
        requests = [Request(**json.loads(line)) for line in log]
    return [request for request in requests if request.client == address]


def start(parts: caches.Parts) -> None:
    """Serve these parts, and those of other kinds that are there, unless it does already."""
    command = _command(parts)
    recipe = caches.key(caches.source("sources"), *command)
    recorded = _recorded()
    if recorded and recorded[0].alive() and recorded[1] == recipe:
        return
    stop()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)}
    process = Process.spawn(command, environment, REQUESTS, ERRORS)
    fields = {
        "process": dataclasses.asdict(process),
        "recipe": recipe,
        "models": str(parts.models.path),
    }
    write_whole(RECORD, json.dumps(fields))
    _wait_until_it_answers(process)


def stop() -> None:
    """End the server if it runs."""
    recorded = _recorded()
    if recorded:
        recorded[0].signal(signal.SIGTERM)
        if not recorded[0].wait(5):
            recorded[0].signal(signal.SIGKILL)
    RECORD.unlink(missing_ok=True)


def models() -> Path:
    """The directory of models that is served, whatever the checkout asks for now."""
    return Path(json.loads(RECORD.read_text())["models"])


def _command(parts: caches.Parts) -> list[str]:
    served = {"git": parts.git, "models": parts.models}
    for kind in kinds.ALL:
        of_kind = caches.parts(kind)
        served[f"pacman{kind.suffix}"] = of_kind.repository
        served[f"wheels{kind.suffix}"] = of_kind.wheels
    there = {name: str(part.path) for name, part in served.items() if part.path.exists()}
    options = [word for name, path in there.items() for word in (f"--{name}", path)]
    where = ["--address", network.address(network.GATEWAY), "--port", str(SOURCES_PORT)]
    return [sys.executable, "-m", "tests.boxes.sources", *where, *options]


def _recorded() -> tuple[Process, str] | None:
    try:
        fields = json.loads(RECORD.read_text())
    except FileNotFoundError:
        return None
    return Process(**fields["process"]), fields["recipe"]


def _wait_until_it_answers(process: Process) -> None:
    where = (network.address(network.GATEWAY), SOURCES_PORT)
    deadline = time.monotonic() + 20
    while process.alive() and time.monotonic() < deadline:
        try:
            socket.create_connection(where, timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise BoxError(f"the sources server did not start: {_last_line(ERRORS)}")


def _last_line(path: Path) -> str:
    lines = path.read_text().strip().splitlines()
    return lines[-1] if lines else f"see {os.path.relpath(path)}"
