"""The parts that are made once and kept: built whole or not at all, and again when their
inputs change.

A part lies in `.boxes/cache/NAME-KEY/`, where KEY is a hash of all that defines it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import (
    debian,
    kinds,
    model,
    repository,
    snapshots,
    ssh,
    state,
    system,
    toolchain,
    wheels,
    whisper_git,
)
from .kinds import Kind
from .shell import end_children, step
from .state import CACHE, CHECKOUT

HERE = Path(__file__).parent
LOCKS = tuple(CHECKOUT / "requirements" / f"{name}.lock" for name in ("proxy", "deploy", "wyoming"))


@dataclass(frozen=True)
class Part:
    """One directory of the cache."""

    name: str
    title: str
    key: str
    build: Callable[[Path], None]

    @property
    def path(self) -> Path:
        """Where it lies once it is whole."""
        return CACHE / f"{self.name}-{self.key}"


@dataclass(frozen=True)
class Parts:
    """All that a box of one kind is made of, and what is served to it."""

    debian: Part
    system: Part
    repository: Part
    git: Part
    models: Part
    wheels: Part

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of a fresh box, topmost first."""
        return (str(self.system.path), str(self.debian.path))

    def all(self) -> list[Part]:
        """Every part."""
        return [self.debian, self.system, self.repository, self.git, self.models, self.wheels]


def key(*inputs: str) -> str:
    """Twelve hexadecimal digits that change when an input does."""
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:12]


def parts(kind: Kind) -> Parts:
    """What the checkout asks for now; the keys must exist already."""
    root = _root(kind)
    return Parts(
        root,
        _system(kind, root),
        _repository(kind, root),
        git(),
        Part("models", "speech model", key(source("model"), source("ggml")), model.build),
        _wheels(kind),
    )


def _root(kind: Kind) -> Part:
    suite = kind.contents.suite
    made_from = key(source("debian"), suite)
    return Part(
        f"debian{kind.suffix}", "root filesystem", made_from, lambda at: debian.build(at, suite)
    )


def _system(kind: Kind, root: Part) -> Part:
    made_from = key(root.key, source("system"), ssh.PUBLIC_KEY.read_text(), kind.suffix)
    return Part(
        f"system{kind.suffix}",
        "CachyOS layer",
        made_from,
        lambda at: system.build(at, root.path, kind.suffix),
    )


def _repository(kind: Kind, root: Part) -> Part:
    made_from = key(root.key, source("repository"), source("pacman"), repr(kind.contents))
    return Part(
        f"repository{kind.suffix}",
        "pacman repository",
        made_from,
        lambda at: repository.build(at, root.path, kind.contents),
    )


def _wheels(kind: Kind) -> Part:
    locks = (lock.read_text() for lock in LOCKS)
    made_from = key(source("wheels"), repr(kind.python), *locks)
    return Part(
        f"wheels{kind.suffix}",
        "Python packages",
        made_from,
        lambda at: wheels.build(at, LOCKS, kind.python),
    )


def git() -> Part:
    """whisper.cpp's git repository."""
    made_from = key(source("whisper_git"), source("silero"))
    return Part("git", "whisper.cpp's git repository", made_from, whisper_git.build)


def gpu_toolchain() -> Part:
    """The compilers for GPUs in a directory."""
    layout = repr((kinds.HIP.contents.suite, kinds.HIP_LINKS))
    made_from = key(source("debian"), source("toolchain"), layout)
    return Part("toolchain", "compilers for GPUs", made_from, toolchain.build)


def ensure_part(part: Part) -> Path:
    """Build one part where it is missing, and return where it lies."""
    CACHE.mkdir(parents=True, exist_ok=True)
    _ensure(part)
    return part.path


def ensure(kind: Kind) -> Parts:
    """Build what is missing of a kind, side by side, and return all its parts."""
    wanted = parts(kind)
    if all(part.path.exists() for part in wanted.all()):
        return wanted
    CACHE.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(len(wanted.all())) as pool:
        try:
            _build_all(pool, wanted)
        except BaseException:
            end_children()
            raise
    _prune()
    return wanted


def _build_all(pool: ThreadPoolExecutor, wanted: Parts) -> None:
    """Start every build, and stop at the first that fails."""
    root = pool.submit(_ensure, wanted.debian)
    after_root = [pool.submit(_ensure, part, root) for part in (wanted.system, wanted.repository)]
    others = [pool.submit(_ensure, part) for part in (wanted.git, wanted.models, wanted.wheels)]
    for future in (*others, root, *after_root):
        future.result()


def _ensure(part: Part, after: Future[None] | None = None) -> None:
    """Build one part beside its place, and move it there when it is whole."""
    if after:
        after.result()
    if part.path.exists():
        return
    unfinished = CACHE / f"{part.name}.unfinished"
    for leftover in CACHE.glob(f"{unfinished.name}*"):
        state.remove_tree(leftover)
    with step(part.title):
        part.build(unfinished)
    unfinished.rename(part.path)


def _prune() -> None:
    """Delete outdated parts that no box uses, and the snapshots that stood on them."""
    wanted = [gpu_toolchain()] + [part for kind in kinds.ALL for part in parts(kind).all()]
    used = {Path(layer) for record in state.records() for layer in record.layers}
    kept = {part.path for part in wanted} | used
    for path in set(CACHE.iterdir()) - kept:
        state.remove_tree(path)
    snapshots.prune()


def source(module: str) -> str:
    """A module's own code, without comments: a recipe that was changed is a new recipe."""
    return ast.dump(ast.parse((HERE / f"{module}.py").read_text()))
