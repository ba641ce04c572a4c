"""What the shell makes of pacman's database."""

import subprocess
from pathlib import Path

import pytest

from tests.facts.answers import answer, program
from voicemode_whisper.facts.pacman import MissingPackages


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with one whole package, and a pacman that misses none."""
    (tmp_path / "db/local/cmake-4.0-1").mkdir(parents=True)
    (tmp_path / "db/local/cmake-4.0-1/desc").touch()
    (tmp_path / "db/local/ALPM_DB_VERSION").touch()
    program(tmp_path / "bin", "pacman", "exit 0")
    return tmp_path / "db"


def missing(database: Path) -> list[str]:
    paths = {"/var/lib/pacman": database}
    names: list[str] = answer(MissingPackages, paths, database.parent / "bin", packages=["cmake"])
    return names


def test_nothing_is_missing(database: Path):
    assert missing(database) == []


def test_what_pacman_misses_is_no_failure(database: Path):
    program(database.parent / "bin", "pacman", 'shift; echo "$@"; exit 127')
    assert missing(database) == ["cmake"]


def test_a_pacman_that_fails_is_one(database: Path):
    program(database.parent / "bin", "pacman", "exit 1")
    with pytest.raises(subprocess.CalledProcessError):
        missing(database)


def test_a_package_that_was_cut_off_is_missing(database: Path):
    (database / "local/gtk-update-icon-cache-1:4.18-1").mkdir()
    assert missing(database) == ["gtk-update-icon-cache"]


def test_so_is_one_whose_entry_was_set_aside(database: Path):
    (database / "incomplete/firefox-140.0-1").mkdir(parents=True)
    assert missing(database) == ["firefox"]
