"""A box's system: its mount, its control group, and the systemd-nspawn that runs it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from dataclasses import replace
from pathlib import Path

from . import network, overlay, ssh
from .shell import BoxError
from .state import CCACHE, LOG, TAG, Process, Record, remove_tree
from .system import CCACHE_ON_BOX, SOURCES_HOST

BOOT_SECONDS = 90
HALT_SECONDS = 60


def start(record: Record) -> Record:
    """Boot a box on the layers that it has; `wait_until_up` says when it is there."""
    kill(record)
    layers = [Path(layer) for layer in record.layers]
    overlay.mount(record.root, layers, record.upper, _work(record), overlay.UNSYNCED)
    _name_it(record)
    network.attach(record.index)
    _prepare_ccache()
    process = _nspawn(record)
    started = replace(record, process=process)
    started.save()
    return started


def wait_until_up(record: Record) -> None:
    """Return when the box's system has finished starting; BoxError if it does not."""
    assert record.process
    command = ssh.arguments(network.address(record.index), "root", "-o", "ConnectTimeout=2")
    deadline = time.monotonic() + BOOT_SECONDS
    while record.process.alive() and time.monotonic() < deadline:
        answer = subprocess.run(
            [*command, "systemctl is-system-running --wait"], capture_output=True, text=True
        )
        if answer.stdout.strip() in ("running", "degraded"):
            return
        time.sleep(0.1)
    raise BoxError(f"box {record.name} did not come up: see {os.path.relpath(_console(record))}")


def shut_down(record: Record) -> None:
    """Shut a box down in order, or give up; `kill` clears away what is left of it."""
    if record.process and record.up:
        record.process.signal(signal.SIGTERM)  # nspawn asks the box's systemd to halt
        record.process.wait(HALT_SECONDS)


def kill(record: Record) -> None:
    """End every process of a box at once, as a power cut does; leave only its upper layer."""
    _kill_groups(record, "payload")
    if record.process and not record.process.wait(5):  # nspawn ends after its payload
        record.process.signal(signal.SIGKILL)
    _kill_groups(record, "")
    _remove_groups(record)
    network.detach(record.index)
    remove_tree(record.root)
    shutil.rmtree(_work(record), ignore_errors=True)
    for kind in ("propagate", "unix-export"):
        remove_tree(Path("/run/systemd/nspawn") / kind / _machine(record))


def _kill_groups(record: Record, below: str) -> None:
    """Let the kernel kill all of a control group in one go; only cgroup2 offers that."""
    for group in _groups(record):
        switch = group / below / "cgroup.kill"
        if switch.exists():
            switch.write_text("1")


def _nspawn(record: Record) -> Process:
    """Start systemd-nspawn in control groups of its own, its console in a file.

    --register=no and --keep-unit let it run where the outer machine has no systemd. With
    --keep-unit it makes the box's group below the one it is in, which must not be shared.
    """
    groups = _groups(record)
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    enter = "".join(f"echo $$ > '{group}/cgroup.procs' && " for group in groups)
    command = ["sh", "-c", f'{enter}exec "$@"', "sh", "systemd-nspawn", *_options(record)]
    environment = {"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    return Process.spawn(command, environment, _console(record), _console(record))


def _options(record: Record) -> list[str]:
    return [
        "--boot",
        "--quiet",
        "--register=no",
        "--keep-unit",
        f"--directory={record.root}",
        f"--machine={_machine(record)}",
        f"--hostname={record.name}",
        f"--network-namespace-path=/run/netns/{network.namespace(record.index)}",
        f"--bind={CCACHE}:{CCACHE_ON_BOX}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=pipe",
    ]


def _name_it(record: Record) -> None:
    """Write what tells this box from others, so that one on a snapshot is no twin.

    The machine id is drawn once in a box's life: its own layer has it from then on.
    """
    hosts = {
        "127.0.0.1": "localhost",
        "127.0.1.1": record.name,
        network.address(network.GATEWAY): SOURCES_HOST,
    }
    text = "".join(f"{address}\t{name}\n" for address, name in hosts.items())
    (record.root / "etc/hosts").write_text(text)
    (record.root / "etc/hostname").write_text(f"{record.name}\n")
    if not (record.upper / "etc/machine-id").exists():
        (record.root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")


def _prepare_ccache() -> None:
    """A compiler cache that every user of every box may write to."""
    CCACHE.mkdir(exist_ok=True)
    CCACHE.chmod(0o777)


def hierarchies() -> list[Path]:
    """Control group hierarchies that systemd uses: cgroup2 and, on hybrids, its own old one."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(point))
    return found


def _groups(record: Record) -> list[Path]:
    return [hierarchy / TAG / record.name for hierarchy in hierarchies()]


def _remove_groups(record: Record) -> None:
    """Remove the box's groups, and their parent with the last of them."""
    for group in _groups(record):
        for directory, _, _ in os.walk(group, topdown=False):
            _remove_group(Path(directory))
        if group.parent.exists() and not any(path.is_dir() for path in group.parent.iterdir()):
            group.parent.rmdir()


def _remove_group(group: Path) -> None:
    """Remove one group; killed processes leave it a moment later."""
    deadline = time.monotonic() + 10
    while True:
        try:
            group.rmdir()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _console(record: Record) -> Path:
    return LOG / f"{record.name}.console"


def _machine(record: Record) -> str:
    return f"{TAG}-{record.name}"


def _work(record: Record) -> Path:
    return record.directory / "work"
