"""Raise boxes and take them down."""

from __future__ import annotations

import re
from pathlib import Path

from . import (
    caches,
    inventory,
    limits,
    machine,
    network,
    requirements,
    server,
    snapshots,
    ssh,
    state,
    whisper_git,
)
from .box import Box
from .kinds import PLAIN, Kind
from .shell import BoxError
from .state import Record
from .toolchain import Toolchain

NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
RESERVED = {"localhost", "sources", "all", "boxes"}  # hosts and pyinfra groups


def up(*names: str, base: str | None = None, kind: Kind = PLAIN) -> list[Box]:
    """Raise boxes that are not up, all at once, and return them in the order of the names.

    A new box starts from the snapshot `base`, or fresh; one that is down goes on from
    what it has written. What is missing is built first.
    """
    for name in names:
        check_name(name)
    requirements.ensure()
    with state.lock():
        parts = _prepare(kind)
        layers = _base(base) if base else parts.layers
        records = _records(list(dict.fromkeys(names)), layers)
        if base and any(record.layers != layers for record in records):
            raise BoxError(f"a box of that name is there already, and not from snapshot {base}")
        down_now = [record for record in records if not record.up]
        limits.check(len(down_now) + sum(record.up for record in state.records()))
        new = [record.name for record in down_now if not record.directory.exists()]
        started = _start(down_now, new)
        inventory.write()
    _await(started, new)
    return [Box.of(record) for record in records]


def prepare(kind: Kind = PLAIN) -> None:
    """Build what is missing of what boxes of a kind are made of."""
    requirements.ensure()
    with state.lock():
        ssh.make_keys()
        caches.ensure(kind)


def down(*names: str) -> None:
    """End these boxes and delete what they wrote; without names all, and the server."""
    with state.lock():
        for name in names or [path.name for path in state.RUN.glob("*/")]:
            remove(name)
        if not names:
            server.stop()
            network.drop_bridge()
        if state.STATE.exists():
            inventory.write()


def rest() -> None:
    """End the server and the network, as `down` does, unless there is a box."""
    with state.lock():
        if not state.records():
            server.stop()
            network.drop_bridge()


def remove(name: str) -> None:
    """End one box, whatever of it is there, and delete what it wrote.

    Nothing of it is left to read, so it is not shut down in order.
    """
    record = state.load(name)
    if record:
        machine.kill(record)
    state.remove_tree(state.RUN / name)


def gpu_toolchain() -> Toolchain:
    """The compilers for GPUs without a box, built first where they are missing."""
    requirements.ensure()
    with state.lock():
        return Toolchain(caches.ensure_part(caches.gpu_toolchain()))


def whisper_sources(tag: str, target: Path) -> None:
    """Write whisper.cpp's files as of that tag into `target`."""
    requirements.ensure()
    with state.lock():
        whisper_git.export(caches.ensure_part(caches.git()), tag, target)


def check_name(name: str) -> None:
    """Refuse what cannot be a host name, or means something else."""
    if not NAME.fullmatch(name):
        raise BoxError(f"bad name {name!r}: a letter, then a-z, 0-9 and hyphens, at most 32")
    if name in RESERVED:
        raise BoxError(f"bad name {name!r}: it means something else")


def _prepare(kind: Kind) -> caches.Parts:
    """Everything that a box of a kind needs before it can boot."""
    ssh.make_keys()
    parts = caches.ensure(kind)
    network.raise_bridge()
    ssh.write_known_hosts()
    server.start(parts)
    return parts


def _base(label: str) -> tuple[str, ...]:
    layers = snapshots.layers(label)
    if layers is None:
        raise BoxError(f"there is no snapshot {label}")
    return layers


def _records(names: list[str], layers: tuple[str, ...]) -> list[Record]:
    """The known record of each name, or a new one with a free address."""
    used = {record.index for record in state.records()}
    free = (index for index in network.INDEXES if index not in used)
    return [state.load(name) or Record(name, next(free), layers) for name in names]


def _start(records: list[Record], new: list[str]) -> list[Record]:
    """Begin to boot boxes; if one cannot, end them all and remove those that are new."""
    try:
        for record in records:
            record.save()
        return [machine.start(record) for record in records]
    except BaseException:
        _give_up(records, new)
        raise


def _await(started: list[Record], new: list[str]) -> None:
    """Return when all are up; if one fails, end them all and remove those that are new.

    This needs no lock, so that other runs raise their boxes meanwhile.
    """
    try:
        for record in started:
            machine.wait_until_up(record)
    except BaseException:
        with state.lock():
            _give_up(started, new)
            inventory.write()
        raise


def _give_up(records: list[Record], new: list[str]) -> None:
    for record in records:
        machine.kill(state.load(record.name) or record)
    for name in new:
        remove(name)
