"""build-hip.sh for real: a build that fails with precompiled headers goes on without them.

What a real clang does with them is in tests/machines/test_hip_configure.py.
"""

import subprocess
from pathlib import Path

import pytest

from voicemode_whisper.scripts import words


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "prefix.h.gch").mkdir()
    return tmp_path


def built(build: Path, command: str) -> tuple[int, int]:
    """The status of build-hip.sh, and how often it ran the command, which runs in the build."""
    counted = f"echo run >> runs; {command}"
    argv = words("build-hip", str(build), "sh", "-c", counted)
    done = subprocess.run(argv, cwd=build, capture_output=True, timeout=20)
    return done.returncode, len((build / "runs").read_text().splitlines())


def test_what_builds_keeps_them(build: Path):
    assert built(build, "true") == (0, 1)
    assert (build / "prefix.h.gch").exists()


def test_what_fails_with_them_is_built_without(build: Path):
    assert built(build, "test ! -e prefix.h.gch") == (0, 2)


def test_what_fails_either_way_fails_with_its_own_status(build: Path):
    assert built(build, "exit 3") == (3, 2)


def test_what_fails_without_them_is_not_tried_again(build: Path):
    (build / "prefix.h.gch").rmdir()
    assert built(build, "exit 3") == (3, 1)
