"""What a run that was killed left at work is waited for."""

import subprocess
from pathlib import Path

import pytest
from pyinfra.api import StringCommand, operation

from tests.operations.conftest import Apply, Failed
from voicemode_whisper.operations.util.progress import WithProgress, with_lock


@operation()
def work(directory: str, text: str):
    """Run a shell command alone."""
    yield with_lock(directory, WithProgress(StringCommand("sh", "-c"), f"'{text}'"))


def test_it_runs_after_what_is_at_work_there(apply: Apply, tmp_path: Path):
    started, ended = tmp_path / "started", tmp_path / "ended"
    earlier = subprocess.Popen(
        ["flock", tmp_path, "sh", "-c", f"touch {started}; sleep 1; touch {ended}"]
    )
    while not started.exists():
        assert earlier.poll() is None
    apply(work, directory=str(tmp_path), text=f"test -e {ended}")
    earlier.wait()


def test_what_it_started_keeps_others_waiting_when_it_is_gone(apply: Apply, tmp_path: Path):
    """As ninja does when the shell that it was started from was killed."""
    ended = tmp_path / "ended"
    orphan = f"(sleep 1; touch {ended}) >/dev/null 2>&1 &"
    apply(work, directory=str(tmp_path), text=orphan)
    assert not ended.exists()
    apply(work, directory=str(tmp_path), text=f"test -e {ended}")


def test_its_failure_is_the_command_s(apply: Apply, tmp_path: Path):
    with pytest.raises(Failed):
        apply(work, directory=str(tmp_path), text="exit 3")
