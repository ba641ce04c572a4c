"""One run at a time on each host: a second names the first, or takes over from one that is dead."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from getpass import getuser
from pathlib import Path
from socket import gethostname

import gevent
import pytest
from pyinfra.api import Host, StringCommand
from pyinfra.connectors.util import CommandOutput

from tests.operations.conftest import Failed, apply_for_real
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.operations import run_lock
from voicemode_whisper.scripts import shell
from voicemode_whisper.scripts.shell import OneSessionError

# A process of its own, as every run is one: it holds the lock as long as it lives.
RUN = """
import sys, time
from tests.operations.conftest import apply_for_real
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.operations import run_lock
import gevent
try:
    apply_for_real(run_lock.hold, layout=Layout(sys.argv[1]), leaves=sys.argv[2])
except Exception as error:
    sys.exit(f"{error}")
print("held", flush=True)
while True:
    gevent.sleep(0.1)
"""
ROOT = Path(__file__).parents[2]
TEXT = re.compile(
    rf"[0-9a-f]{{16}}\n{re.escape(getuser())}@{re.escape(gethostname())} \(process \d+\), "
    r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n"
)
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a run that holds the lock of the home tmp_path, and leaves what it is given."""
    runs = []

    def run(leaves: str = "") -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'files'}"}
        runs.append(
            subprocess.Popen(
                [sys.executable, "-c", RUN, tmp_path, leaves], text=True, env=environment,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
        )  # fmt: skip
        return runs[-1]

    yield run
    for one in runs:
        one.kill()
        one.communicate()


def holds(run: "subprocess.Popen[str]") -> bool:
    assert run.stdout is not None
    return run.stdout.readline() == "held\n"


def text(tmp_path: Path) -> str:
    return Path(Layout(str(tmp_path)).lock).read_text()


def test_a_second_run_fails_and_names_the_first(start: Start, tmp_path: Path):
    first = start()
    assert holds(first)
    second = start()
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    owner = f"{getuser()}@{gethostname()} (process {first.pid}), since 20"
    assert f"another run is at work on this host: {owner}" in said
    assert said.rstrip().endswith("; wait for it to end")
    assert f"(process {first.pid})" in text(tmp_path)
    assert first.poll() is None


def test_the_lock_of_a_run_that_was_killed_is_taken_over(start: Start, tmp_path: Path):
    first = start()
    assert holds(first)
    first.kill()
    began = time.monotonic()
    second = start()
    assert holds(second)
    assert time.monotonic() - began < 10
    assert f"(process {second.pid})" in text(tmp_path)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_what_a_run_leaves_is_gone_before_the_next(start: Start, tmp_path: Path, end: int):
    left = tmp_path / "left behind"
    left.mkdir()
    (left / "model.bin").touch()
    first = start(str(left))
    assert holds(first)
    assert left.exists()
    first.send_signal(end)
    assert holds(start())
    assert not left.exists()


def test_a_run_that_does_not_get_the_lock_removes_nothing(start: Start, tmp_path: Path):
    left = tmp_path / "left behind"
    left.mkdir()
    first = start(str(left))
    assert holds(first)
    second = start(str(left))
    second.communicate(timeout=30)
    assert second.returncode == 1
    assert left.exists()


def test_what_is_read_of_the_lock_is_never_half_a_line(start: Start, tmp_path: Path):
    seen = set()
    lock = Path(Layout(str(tmp_path)).lock)
    for _ in range(2):
        run = start()
        while run.poll() is None and f"(process {run.pid})" not in (
            lock.read_text() if lock.exists() else ""
        ):
            if lock.exists():
                seen.add(lock.read_text())
        seen.add(lock.read_text())
        run.kill()
        run.wait()
    assert len(seen - {""}) == 2
    assert all(TEXT.fullmatch(one) for one in seen - {""})


def test_the_file_that_an_earlier_run_left_holds_nobody_up(start: Start, tmp_path: Path):
    lock = Path(Layout(str(tmp_path)).lock)
    lock.parent.mkdir(parents=True)
    lock.write_text(f"{'0' * 16}\nada@elsewhere (process 7), since 2026-11-22 01:02:03\n")
    assert holds(start())
    assert TEXT.fullmatch(text(tmp_path))


def test_a_connection_with_one_session_is_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    """The one that holds the lock gets none: sshd has given it to the one that waits."""

    def run(host: Host, command: StringCommand) -> tuple[bool, CommandOutput]:
        if "hold-lock" in str(command):
            raise OneSessionError
        gevent.sleep(0.1)
        return False, CommandOutput([])

    monkeypatch.setattr(shell, "run", run)
    with pytest.raises(Failed):
        apply_for_real(run_lock.hold, layout=Layout(str(tmp_path)))
    assert [message for message in caplog.messages if str(OneSessionError()) in message]
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err
