"""Processes that are ours, and files that are whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.boxes import state
from tests.boxes.state import Process, Record


def test_a_process_is_known_while_it_runs() -> None:
    assert Process.of(os.getpid()).alive()


def test_a_pid_that_is_used_again_is_not_the_same_process() -> None:
    stranger = Process(os.getpid(), "another start")
    assert not stranger.alive()
    stranger.signal(signal.SIGKILL)  # would end this very test


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen(["true"]) as child:
        process = Process.of(child.pid)
        assert process.wait(5)


def test_a_spawned_process_writes_where_it_was_told(tmp_path: Path) -> None:
    code = "import sys; print(1); print(2, file=sys.stderr); assert not sys.stdin.read()"
    out, err = tmp_path / "log/out", tmp_path / "log/err"
    process = Process.spawn([sys.executable, "-c", code], {}, out, err)
    assert process.wait(10)
    assert (out.read_text(), err.read_text()) == ("1\n", "2\n")


def test_a_signal_ends_it(tmp_path: Path) -> None:
    process = Process.spawn(["sleep", "60"], dict(os.environ), tmp_path / "out", tmp_path / "err")
    assert not process.wait(0)
    process.signal(signal.SIGKILL)
    assert process.wait(5)
    process.signal(signal.SIGKILL)


def test_a_record_comes_back_as_it_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "RUN", tmp_path)
    record = Record("alpha", 2, ("/a", "/b"), Process(1, "x"))
    assert state.load("alpha") is None
    record.save()
    assert state.records() == [record]
    assert not record.up


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    state.write_whole(path, "old")
    state.write_whole(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_tree_is_removed_and_an_absent_one_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    state.remove_tree(tmp_path / "a")
    state.remove_tree(tmp_path / "a")
    assert not list(tmp_path.iterdir())
