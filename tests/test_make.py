"""`make deploy` has a .venv that works, whatever has become of the Python that it was made with."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = ("Makefile", "requirements/install.sh", "voicemode_whisper/scripts/missing-wheel.sh")


@dataclass(frozen=True)
class Checkout:
    """A checkout whose lock file asks for the package `thing`, and wheels of that."""

    path: Path
    wheels: Path

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def lock(self, version: str, tag: str = "py3-none") -> None:
        """Have a wheel of this version, and the lock file ask for it."""
        wheel = self.wheels / f"thing-{version}-{tag}-any.whl"
        about = f"thing-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("thing.py", f"print({version!r})")
            archive.writestr(
                f"{about}/METADATA", f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n"
            )
            archive.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}-any\n")
            archive.writestr(f"{about}/RECORD", "")
        digest = sha256(wheel.read_bytes()).hexdigest()
        self.write("requirements/deploy.lock", f"thing=={version} --hash=sha256:{digest}\n")

    def make(self, *arguments: object, ends: int = 0) -> str:
        """`make .venv/deploy.done`, which exits as it should; what it says."""
        outer = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels}
        done = subprocess.run(
            ["make", "--no-print-directory", ".venv/deploy.done", *map(str, arguments)],
            cwd=self.path, env={**outer, **pip}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == (ends != 0), said
        return said

    @property
    def thing(self) -> str:
        """The version of the package that is installed, and that can be imported."""
        python = [self.path / ".venv/bin/python", "-c", "import thing"]
        return subprocess.run(python, check=True, capture_output=True, text=True).stdout.strip()


def copy_files(path: Path) -> None:
    for name in FILES:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, path / name)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "a checkout", tmp_path / "wheels")
    made.wheels.mkdir()
    copy_files(made.path)
    made.lock("1")
    return made


def base_of(python: str) -> tuple[Path, Path]:
    """The program of an interpreter that is no virtual environment's, and its library."""
    code = "import sys, sysconfig; print(sys._base_executable, sysconfig.get_path('stdlib'))"
    said = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
    program, library = map(Path, said.split())
    return program.resolve(), library


def install(prefix: Path, python: str = sys.executable) -> Path:
    """Have a Python in `prefix`, as bin/python3; a link to its library is enough."""
    program, library = base_of(python)
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    (prefix / "lib").mkdir(exist_ok=True)
    copy = prefix / "bin" / library.name
    shutil.copy(program, copy)
    (prefix / "lib" / library.name).symlink_to(library)
    link = prefix / "bin/python3"
    link.unlink(missing_ok=True)
    link.symlink_to(copy.name)
    return link


def other_python() -> str:
    """An interpreter of another minor version, 3.11 or newer."""
    names = [f"python3.{minor}" for minor in range(11, 17) if minor != sys.version_info.minor]
    found = [shutil.which(name) for name in names]
    found += map(str, Path.home().glob(".pyenv/versions/3.1[1-9].*/bin/python3.1[1-9]"))
    for python in filter(None, found):
        code = f"import sys, ensurepip; sys.exit(sys.version_info[:2] == {sys.version_info[:2]})"
        if subprocess.run([python, "-c", code], capture_output=True).returncode == 0:
            return python
    pytest.skip("there is no Python of another minor version here")


@pytest.mark.slow
def test_what_is_whole_is_left_and_what_another_lock_file_names_is_installed_and_not_compiled(
    checkout: Checkout,
):
    assert checkout.make() == "Installing what requirements/deploy.lock says into .venv\n"
    assert checkout.make() == ""
    assert checkout.thing == "1"
    kept = checkout.path / ".venv/kept"
    kept.touch()
    checkout.lock("2")
    # A checkout may be newer, and its files older than what was made from those before.
    os.utime(checkout.path / "requirements/deploy.lock", (0, 0))
    assert checkout.make() == "Installing what requirements/deploy.lock says into .venv\n"
    assert checkout.thing == "2"
    checkout.lock("3", "cp37-cp37m")
    refusal = checkout.make(ends=2).splitlines()[-2]
    assert refusal.startswith("thing 3 has no wheel for Python 3.")
    assert refusal.endswith(", only for Python 3.7; name another Python with make PYTHON=...")
    assert checkout.thing == "2"
    checkout.lock("1")
    assert "Installing" in checkout.make()
    assert checkout.thing == "1"
    assert kept.exists()


def remove_patch_release(venv: Path, first: Path, second: Path) -> None:
    """As mise, pyenv and uv do when they have a newer one, which is on PATH then."""
    install(second)
    shutil.rmtree(first)


def kill_it(venv: Path, first: Path, second: Path) -> None:
    (venv / "begun").touch()


def make_it_a_copy(venv: Path, first: Path, second: Path) -> None:
    """What lies there was made elsewhere, and its programs start what is there."""
    program = venv / "bin/pip"
    program.write_text(program.read_text().replace(str(venv), "/elsewhere/.venv"))


def bring_next_minor(venv: Path, first: Path, second: Path) -> None:
    """As pacman does: the name is another program, and what pip installed stays where it is."""
    install(second, other_python())
    (second / f"bin/python3.{sys.version_info.minor}").unlink()


@pytest.mark.slow
def test_it_is_made_anew_once(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, second = tmp_path / "first", tmp_path / "second"
    install(first)
    # What is not named is found on PATH, and may be another tomorrow.
    monkeypatch.setenv(
        "PATH", f"{first}/bin{os.pathsep}{second}/bin{os.pathsep}{os.environ['PATH']}"
    )
    checkout.make()
    for change, why in (
        (remove_patch_release, f"{first}/bin/python3 is gone"),
        (make_it_a_copy, "its programs start what lies in another directory"),
        (bring_next_minor, f"it was made for python3.{sys.version_info.minor}, and its Python is "),
    ):
        change(checkout.path / ".venv", first, second)
        line, *_ = checkout.make().splitlines()
        assert line.startswith(f"Making .venv anew: {why}")
        assert checkout.thing == "1"
        assert checkout.make() == ""
    # It may be on any that works, unless one is named: here its own, which is about to go.
    assert checkout.make(f"PYTHON={second}/bin/python3") == ""
    install(first)
    assert checkout.make() == ""
    assert "Making .venv anew: it is not on " in checkout.make(f"PYTHON={first}/bin/python3")
    kill_it(checkout.path / ".venv", first, second)
    assert "was cut off" in checkout.make("PYTHON=.venv/bin/python3")
    assert checkout.thing == "1"


def somebody_elses(checkout: Checkout) -> None:
    checkout.write(".venv/lib/python3.13/site-packages/numpy-2.dist-info/METADATA", "")
    (checkout.path / ".venv/bin").mkdir()
    (checkout.path / ".venv/bin/python").symlink_to("/gone/python3.13")


def a_link(checkout: Checkout) -> None:
    (checkout.path / ".venv").symlink_to("/gone")


@pytest.mark.parametrize("put", [somebody_elses, a_link])
def test_what_somebody_else_made_is_not_removed(checkout: Checkout, put: Callable[..., None]):
    put(checkout)
    refusal = checkout.make(ends=2).splitlines()[0]
    assert refusal.startswith(".venv: /")
    assert refusal.endswith("and it is not make's own; move it away, and run make again")
    assert os.path.lexists(checkout.path / ".venv")


def test_a_python_that_is_too_old_or_not_there_is_named(checkout: Checkout, tmp_path: Path):
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert f"{old}: Python 3.11 or newer is needed" in checkout.make(f"PYTHON={old}", ends=2)
    gone = checkout.make("PYTHON=/gone/python3", ends=2)
    assert gone.startswith("/gone/python3: there is no such program; name a Python with make")
