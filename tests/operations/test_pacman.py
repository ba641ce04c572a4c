"""pacman.sh on a made-up database, with a pacman that only says what it was asked."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.facts.answers import answer, program
from voicemode_whisper.facts.pacman import MissingPackages
from voicemode_whisper.scripts import words

INSTALL = ("-Syu", "--needed", "--noconfirm")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Of two packages one was cut off; pacman works."""
    database = tmp_path / "db"
    (database / "local/cmake-4.0-1").mkdir(parents=True)
    (database / "local/cmake-4.0-1/desc").touch()
    (database / "local/firefox-140.0-1").mkdir()
    (database / "local/firefox-140.0-1/files").touch()
    set_pacman(database, 0)
    return database


def set_pacman(database: Path, status: int) -> None:
    """Have a pacman that ends with this status, and misses none of the packages it is asked for."""
    calls = database.parent / "calls"
    text = f'[ "$1" = -T ] && exit 0\necho "$*" >> {calls}\nexit {status}'
    program(database.parent / "bin", "pacman", text)


def missing(database: Path) -> list[str]:
    paths = {"/var/lib/pacman": database}
    names: list[str] = answer(MissingPackages, paths, database.parent / "bin", packages=["cmake"])
    return names


def run(database: Path, *arguments: str) -> tuple[int, str]:
    """The exit status, and what was printed."""
    script = [
        word.replace("/var/lib/pacman", str(database)) for word in words("pacman", *arguments)
    ]
    path = f"{database.parent}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        script, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": path}, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout


def calls(database: Path) -> list[str]:
    return (database.parent / "calls").read_text().splitlines()


def test_what_was_cut_off_is_installed_again_over_its_own_files(database: Path):
    assert missing(database) == ["firefox"]
    status, said = run(database, *INSTALL, "firefox")
    assert (status, said) == (0, "installing firefox again, which was cut off\n")
    assert calls(database) == ["-Syu --needed --noconfirm firefox --overwrite *"]
    assert missing(database) == []
    assert [path.name for path in database.iterdir()] == ["local"]
    assert [path.name for path in (database / "local").iterdir()] == ["cmake-4.0-1"]


def test_it_is_not_forgotten_when_pacman_fails(database: Path):
    set_pacman(database, 1)
    status, said = run(database, *INSTALL, "firefox")
    assert status == 1
    assert "still to be installed again: firefox." in said
    assert missing(database) == ["firefox"]
    set_pacman(database, 0)
    assert run(database, *INSTALL, "firefox")[0] == 0
    assert calls(database) == ["-Syu --needed --noconfirm firefox --overwrite *"] * 2
    assert missing(database) == []


def test_it_is_not_forgotten_when_the_run_is_killed(database: Path):
    program(database.parent / "bin", "pacman", '[ "$1" = -T ] || kill -9 $PPID')
    assert run(database, *INSTALL, "firefox")[0] == -9
    assert missing(database) == ["firefox"]


def test_what_was_cut_off_meanwhile_is_installed_too(database: Path):
    run(database, *INSTALL, "git")
    assert calls(database) == ["-Syu --needed --noconfirm git firefox --overwrite *"]


def test_on_a_whole_database_pacman_is_run_as_it_is(database: Path):
    (database / "local/firefox-140.0-1/desc").touch()
    (database / "db.lck").touch()
    status, said = run(database, *INSTALL, "git")
    assert status == 0
    assert said.startswith("removing ")
    assert calls(database) == ["-Syu --needed --noconfirm git"]
    assert not (database / "db.lck").exists()
