"""Named, read-only copies of what a box has written: bases for other boxes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from . import state
from .shell import BoxError
from .state import SNAPSHOTS, Record

LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def layers(label: str) -> tuple[str, ...] | None:
    """A snapshot's layers, topmost first; None if there is none or its base was rebuilt."""
    try:
        below = json.loads((SNAPSHOTS / label / "below.json").read_text())
    except FileNotFoundError:
        return None
    found = (str(SNAPSHOTS / label / "layer"), *below)
    return found if all(Path(layer).exists() for layer in found) else None


def take(record: Record, label: str) -> Record:
    """Turn a halted box's upper layer into the snapshot `label`, and put the box above it."""
    if not LABEL.fullmatch(label):
        raise BoxError(f"bad snapshot label {label!r}: it must match {LABEL.pattern}")
    if label in _in_use():
        raise BoxError(f"snapshot {label} is below a box that is up: it cannot be replaced")
    unfinished = SNAPSHOTS / f"{label}.unfinished"
    state.remove_tree(unfinished)
    unfinished.mkdir(parents=True)
    (unfinished / "below.json").write_text(json.dumps(record.layers))
    record.upper.rename(unfinished / "layer")
    state.remove_tree(SNAPSHOTS / label)
    unfinished.rename(SNAPSHOTS / label)
    above = replace(record, layers=(str(SNAPSHOTS / label / "layer"), *record.layers), process=None)
    above.save()
    return above


def prune() -> None:
    """Delete snapshots that no box uses and whose base is gone."""
    for path in SNAPSHOTS.glob("*"):
        if layers(path.name) is None and path.name not in _in_use():
            state.remove_tree(path)


def _in_use() -> set[str]:
    """Labels that a known box's layers lie in."""
    lowers = (Path(layer) for record in state.records() for layer in record.layers)
    return {path.parent.name for path in lowers if path.parent.parent == SNAPSHOTS}
