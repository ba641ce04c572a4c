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


def mount(root: Path, layers: Sequence[Path], upper: Path, work: Path) -> None:
    """Mount `upper` over `layers`, topmost first, at `root`, unless it is mounted."""
    if mounts_below(root):
        return
    for directory in (root, upper, work):
        directory.mkdir(parents=True, exist_ok=True)
    lower = ":".join(str(layer) for layer in layers)
    options = f"{OPTIONS},lowerdir={lower},upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "overlay", "-o", options, root)


@contextmanager
def mounted(root: Path, layers: Sequence[Path], upper: Path, work: Path) -> Iterator[None]:
    """Mount as `mount` does, and leave nothing but the upper layer behind."""
    mount(root, layers, upper, work)
    try:
        yield
    finally:
        remove_tree(root)
        shutil.rmtree(work)
