"""Root filesystems out of layers (overlayfs)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .shell import run
from .state import mounts_below, remove_tree

# redirect_dir lets a box rename a directory that came from a lower layer, as it
# could on any other filesystem. The other two are off so that an upper layer can
# become another mount's lower layer (kernel: filesystems/overlayfs).
OPTIONS = "redirect_dir=on,metacopy=off,index=off"
# Nothing is waited for to reach the disk: not what a box syncs, nor all that the outer machine has
# written when a box is unmounted. Only a crash of the outer machine would tell the difference.
UNSYNCED = f"{OPTIONS},volatile"


def mount(
    root: Path, layers: Sequence[Path], upper: Path, work: Path, options: str = OPTIONS
) -> None:
    """Mount `upper` over `layers`, topmost first, at `root`, unless it is mounted."""
    if mounts_below(root):
        return
    for directory in (root, upper, work):
        directory.mkdir(parents=True, exist_ok=True)
    lower = ":".join(str(layer) for layer in layers)
    places = f"lowerdir={lower},upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "overlay", "-o", f"{options},{places}", root)


@contextmanager
def mounted(root: Path, layers: Sequence[Path], upper: Path, work: Path) -> Iterator[None]:
    """Mount as `mount` does, and leave nothing but the upper layer behind."""
    mount(root, layers, upper, work)
    try:
        yield
    finally:
        remove_tree(root)
        shutil.rmtree(work)
