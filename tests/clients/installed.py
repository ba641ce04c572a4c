"""Client packages, each with what it needs in a directory of its own, from a lock file.

Their many dependencies would constrain the project's, and each other's. What was installed is kept
until its lock file changes.
"""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CLIENTS = PROJECT / ".clients"
# The scripts of the clients for Node lie here, which looks for packages beside them.
NODE = Path(__file__).parent / "node"


def run(command: Sequence[str | Path], cwd: Path = PROJECT) -> None:
    """Run a program to its end; AssertionError with what it complained about if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def python(name: str) -> Path:
    """Return the Python of an environment that has what requirements/`name`.lock pins."""
    lock = PROJECT / "requirements" / f"{name}.lock"
    venv = CLIENTS / name
    python = venv / "bin" / "python"
    with _made_once(venv, lock) as missing:
        if missing:
            run([sys.executable, "-m", "venv", "--clear", venv])
            options = ("--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
            # --no-deps: the lock is all, and may leave out on purpose what a package does not use.
            locked = ("--no-deps", "--require-hashes", "-r", lock)
            run([python, "-m", "pip", "install", *options, *locked])
    return python


def importable(name: str) -> None:
    """Have this process import what requirements/`name`.lock pins, after all that it has itself."""
    library = python(name).parents[1] / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    sys.path.append(str(library / "site-packages"))


def node() -> Path:
    """Return Node.js, of a version that the packages take, with the packages installed."""
    programs = python("node").parent
    packages(NODE, programs / "npm")
    return programs / "node"


def packages(directory: Path, npm: str | Path = "npm") -> Path:
    """Return the directory of the npm packages that the lock file in `directory` pins."""
    modules = directory / "node_modules"
    with _made_once(modules, directory / "package-lock.json") as missing:
        if missing:
            options = ("--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
            run([npm, "ci", *options], cwd=directory)
    return modules


@contextmanager
def _made_once(directory: Path, lock: Path) -> Iterator[bool]:
    """Yield whether to make a directory from a lock file, to one process at a time."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = directory / "lock.sha256"
    CLIENTS.mkdir(exist_ok=True)
    name = f"{directory.parent.name}-{directory.name}.lock"
    with (CLIENTS / name).open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        missing = not stamp.exists() or stamp.read_text() != digest
        yield missing
        stamp.write_text(digest)
