"""Virtual environments, made for real, and what may become of them."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.conftest import Apply, Failed
from voicemode_whisper.core.venv import SYSTEM_PYTHON, Venv, parse_venv
from voicemode_whisper.operations import venv
from voicemode_whisper.scripts import words

pytestmark = pytest.mark.slow


def state(path: Path, system: str = SYSTEM_PYTHON) -> Venv:
    """What venv-state.sh finds."""
    command = words("venv-state", str(path), system)
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return parse_venv(said.stdout.splitlines())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One without packages, beside its lock file."""
    path = tmp_path_factory.mktemp("made")
    (path / "lock").touch()
    make(path / "v", path / "lock")
    return path / "v"


def make(final: Path, lock: Path) -> None:
    made = (SYSTEM_PYTHON, str(final), str(lock), "whisper-proxy")
    command = words("make-venv", *made, *words("with-index"))
    subprocess.run(command, check=True, capture_output=True, timeout=120)


@pytest.fixture
def whole(made: Path) -> Iterator[Path]:
    """The same again, whatever a test has done to it."""
    kept = made.with_name("kept")
    shutil.copytree(made, kept, symlinks=True)
    yield made
    shutil.rmtree(made)
    kept.rename(made)


def test_an_environment_is_made_once_beside_the_link(apply: Apply, tmp_path: Path):
    (tmp_path / "lock").touch()
    arguments = {"path": f"{tmp_path}/v", "lock": f"{tmp_path}/lock", "lock_sha256": "d" * 64}
    assert apply(venv.locked, **arguments) > 0
    assert apply(venv.locked, **arguments) == 0
    (made,) = tmp_path.glob("v-*")
    assert (made / ".complete").exists()
    # As when mise has removed it.
    (made / "bin/python").unlink()
    (made / "bin/python").symlink_to("/gone/python3.13")
    assert apply(venv.locked, **arguments) > 0
    assert apply(venv.locked, **arguments) == 0
    assert list(tmp_path.glob("v-*")) == [made]


def test_what_pip_says_is_shown_once_and_nothing_counts_as_made(apply: Apply, tmp_path: Path):
    with pytest.raises(Failed, match="No such file") as caught:
        apply(venv.locked, path=f"{tmp_path}/v", lock=f"{tmp_path}/none", lock_sha256="d" * 64)
    lines = [line for line in str(caught.value).splitlines() if "No such file" in line]
    # Where it takes five seconds, that line is how far it is too.
    assert len([line for line in lines if not re.match(r"\S+ \(\d+ s\) ", line)]) == 1
    assert list(tmp_path.glob("v-*")) == []


def test_what_was_made_is_whole(whole: Path):
    assert state(whole).complete
    assert state(whole).reason_to_replace == ""


def test_what_is_replaced_stays_until_the_new_one_is_whole(whole: Path):
    lock = whole.with_name("lock-of-nothing-there")
    lock.write_text("no-such-thing==1 --hash=sha256:" + "0" * 64)
    with pytest.raises(subprocess.CalledProcessError):
        make(whole, lock)
    assert state(whole).reason_to_replace == ""
    (whole / "old").touch()
    make(whole, whole.with_name("lock"))
    assert state(whole).reason_to_replace == ""
    assert not (whole / "old").exists()


def test_a_file_that_is_damaged_is_named(whole: Path):
    (file,) = whole.glob("lib/python3*/site-packages/pip/__init__.py")
    file.write_bytes(bytes(file.stat().st_size))
    assert state(whole).problem.endswith("/pip/__init__.py is not what was installed")


def test_an_interpreter_that_is_gone_is_named(whole: Path):
    (whole / "bin/python").unlink()
    (whole / "bin/python").symlink_to("/gone/3.13.1/bin/python3.13")
    assert state(whole).problem == "/gone/3.13.1/bin/python3.13 is gone"


def test_one_that_does_not_start_says_why(whole: Path):
    stub = whole.with_name("stub")
    stub.write_text(
        "#!/bin/sh\necho 'libpython3.13.so.1.0: cannot open shared object' >&2\nexit 127"
    )
    stub.chmod(0o755)
    (whole / "bin/python").unlink()
    (whole / "bin/python").symlink_to(stub)
    assert state(whole).problem == (
        f"{stub} does not start: libpython3.13.so.1.0: cannot open shared object"
    )


def test_packages_for_another_version_are_no_use(whole: Path):
    (library,) = whole.glob("lib/python3*")
    library.rename(whole / "lib/python3.7")
    assert state(whole).problem.startswith("its packages are for Python 3.7, /usr/bin/python3.")


def test_another_python_than_the_system_s_is_told(whole: Path):
    found = state(whole, "/opt/python3")
    assert found.problem == ""
    assert found.reason_to_replace.endswith("which is not the system's Python")
