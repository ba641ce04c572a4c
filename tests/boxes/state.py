"""What is kept in `.boxes/`: where it lies, who may change it, which processes are ours."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .shell import BoxError, run, say

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = CHECKOUT / ".boxes"
CACHE = STATE / "cache"
CCACHE = STATE / "ccache"
LOG = STATE / "log"
RUN = STATE / "run"
SNAPSHOTS = STATE / "snapshots"
SSH = STATE / "ssh"

# Names this checkout's interfaces, namespaces and control groups, so that two
# checkouts on one machine never touch each other's. At most 9 characters: an
# interface name has 15.
TAG = "stt" + hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:6]


@contextmanager
def lock() -> Iterator[None]:
    """Hold `.boxes/lock`: whoever changes boxes or caches does so alone."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run to finish")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Process:
    """One process for good: a pid alone may be used again by a stranger."""

    pid: int
    started: str  # boot id, and start in clock ticks since boot

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this pid now."""
        return cls(pid, _started(pid) or "ended")

    @classmethod
    def spawn(cls, argv: list[str], env: Mapping[str, str], out: Path, err: Path) -> Process:
        """Start a program that outlives this one, in a session of its own, with no input."""
        mode = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, out, mode, 0o644),
            (os.POSIX_SPAWN_OPEN, 2, err, mode, 0o644),
        ]
        ignored_by_python = [signal.SIGPIPE, signal.SIGXFSZ]
        out.parent.mkdir(parents=True, exist_ok=True)
        pid = os.posix_spawnp(
            argv[0], argv, env, file_actions=files, setsid=True, setsigdef=ignored_by_python
        )
        return cls.of(pid)

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return _started(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this very process, or to none."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive():
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; False if it still runs after so many seconds."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        with suppress(ChildProcessError):  # another process has spawned it
            os.waitpid(self.pid, os.WNOHANG)
        return True


def _started(pid: int) -> str | None:
    """Boot id and field 22 of /proc/PID/stat (proc(5)); None if dead or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


@dataclass(frozen=True)
class Record:
    """What is known of a box between two commands."""

    name: str
    index: int  # last byte of its address
    layers: tuple[str, ...]  # read-only layers below its own, topmost first
    process: Process | None = None  # its systemd-nspawn

    @property
    def directory(self) -> Path:
        """Everything of this box that `down` deletes."""
        return RUN / self.name

    @property
    def root(self) -> Path:
        """Where its root filesystem is mounted."""
        return self.directory / "root"

    @property
    def upper(self) -> Path:
        """Its own layer: everything that it has written."""
        return self.directory / "upper"

    @property
    def up(self) -> bool:
        """Whether its system runs."""
        return self.process is not None and self.process.alive()

    def save(self) -> None:
        """Write it down."""
        self.directory.mkdir(parents=True, exist_ok=True)
        write_whole(self.directory / "box.json", json.dumps(dataclasses.asdict(self)))


def records() -> list[Record]:
    """Every box that is known, up or not, by name."""
    found = (load(path.parent.name) for path in sorted(RUN.glob("*/box.json")))
    return [record for record in found if record]


def load(name: str) -> Record | None:
    """The record of a box, or None."""
    try:
        fields = json.loads((RUN / name / "box.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    process = fields.pop("process")
    layers = tuple(fields.pop("layers"))
    return Record(**fields, layers=layers, process=Process(**process) if process else None)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, whole."""
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.rename(path)


def remove_tree(path: Path) -> None:
    """Delete a directory after unmounting what is mounted at or below it."""
    for mounted in reversed(mounts_below(path)):
        run("umount", mounted)
    if mounts_below(path):
        raise BoxError(f"something is still mounted below {path}")
    if path.exists():
        shutil.rmtree(path)


def mounts_below(path: Path) -> list[str]:
    """Mount points at or below a path, in the order in which they were mounted."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    return [point for point in points if Path(point).is_relative_to(path)]
