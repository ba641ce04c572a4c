"""Snapshots of boxes that were deployed to, each made by the first who asks for it.

`python -m tests.machines.snapshots` makes what most tests need in the directory BOXES_SESSION.
"""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import boxes
from tests.boxes import Box
from tests.machines.deploying import OLD, Run, deployed, earlier_checkout, raise_boxes
from tests.machines.footprint import footprint


def served(place: Path) -> str:
    """A box that was deployed to."""
    return _made_once(place, "served", deployed)


def served_old(place: Path) -> str:
    """The same with the version OLD, for tests of an upgrade."""
    return _made_once(place, "served-old", lambda box: deployed(box, whisper_version=OLD))


def served_earlier(place: Path) -> str:
    """The same, but deployed by the last release of ours that had no generations."""
    return _made_once(place, "served-earlier", _deployed_earlier)


def facts(place: Path, name: str) -> dict[str, Any]:
    """The `operations` of the deploy that made a snapshot, and the `footprint` of what it left."""
    found: dict[str, Any] = json.loads((place / f"{name}.made").read_text())
    return found


def _deployed_earlier(box: Box) -> Run:
    with TemporaryDirectory() as directory:
        return deployed(box, cwd=earlier_checkout(Path(directory)))


def _made_once(place: Path, name: str, deploy_to: Callable[[Box], Run]) -> str:
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = place / f"{name}.made"
        if not made.exists():
            with raise_boxes(name) as (box,):
                run = deploy_to(box)
                found = {"operations": run.operations, "footprint": footprint(box)}
                box.save(name)
            made.write_text(json.dumps(found))
    return name


def main() -> None:
    """Make them, and leave nothing running."""
    try:
        for make in (served, served_old):
            make(Path(os.environ["BOXES_SESSION"]))
    finally:
        boxes.rest()


if __name__ == "__main__":
    main()
