"""A fake `systemctl`: no test has a service manager of its own."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from whisper_proxy import restart as module
from whisper_proxy.restart import Restarter

UNIT = "voicemode-whisper.service"
Fake = Callable[[str], Path]


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a script under this name first in the PATH; what it was called with is in the file."""

    def install(script: str) -> Path:
        called = tmp_path / "called"
        program = tmp_path / "systemctl"
        program.write_text(f'#!/bin/sh\necho "$@" > {called}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return called

    return install


async def test_the_service_is_killed(systemctl: Fake) -> None:
    called = systemctl("exit 0")
    assert await Restarter(UNIT).restart()
    assert called.read_text() == f"--user kill --signal=KILL {UNIT}\n"


async def test_the_service_is_stopped(systemctl: Fake) -> None:
    called = systemctl("exit 0")
    assert await Restarter(UNIT).stop()
    assert called.read_text() == f"--user stop {UNIT}\n"


async def test_the_service_is_started_and_not_waited_for(systemctl: Fake) -> None:
    called = systemctl("exit 0")
    assert await Restarter(UNIT).start()
    assert called.read_text() == f"--user start --no-block {UNIT}\n"


async def test_without_a_service_nothing_is(systemctl: Fake) -> None:
    called = systemctl("exit 0")
    assert not await Restarter("").restart()
    assert not called.exists()


async def test_a_failure_is_logged(systemctl: Fake, caplog: pytest.LogCaptureFixture) -> None:
    systemctl("exit 4")
    assert not await Restarter(UNIT).restart()
    assert f"cannot restart {UNIT}: systemctl's status=4" in caplog.text


async def test_no_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not await Restarter(UNIT).restart()


async def test_one_that_hangs_itself_is_ended(
    systemctl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl("exec sleep 60")
    monkeypatch.setattr(module, "COMMAND_SECONDS", 0.2)
    began = time.monotonic()
    assert not await Restarter(UNIT).restart()
    assert time.monotonic() - began < 30
