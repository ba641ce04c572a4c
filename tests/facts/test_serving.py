"""What the shell makes of a generation on a real disk, and of a proxy that runs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.facts.answers import answer, program
from voicemode_whisper.core.layout import PROXY_SOCKET, SERVER_UNIT, Layout
from voicemode_whisper.core.proxy_report import ProxyReport
from voicemode_whisper.core.services import ServiceState
from voicemode_whisper.facts.serving import ProxySelfCheck, Serving
from voicemode_whisper.facts.user_unit import Services
from voicemode_whisper.resources import PROXY_PACKAGE

# Of `systemd --user --test` of systemd 252 and 257, what is read of it, and some of the rest.
MANAGER = "/usr/lib/systemd/systemd"
PLAN = f"""Queued start job for default target default.target.
Loaded units and determined initial transaction in 127ms.
-> By units:
-> Unit {SERVER_UNIT}:
\t-> Job 15:
\t\tAction: {SERVER_UNIT} -> start
-> By jobs:
-> Job 15:
\tAction: {SERVER_UNIT} -> start
\tAction: {PROXY_SOCKET} -> start
\tAction: basic.target -> start
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A generation with a build, a proxy and a unit."""
    layout = Layout(str(tmp_path / "it's home"))
    current = Path(layout.current)
    Path(layout.generations, "1").mkdir(parents=True)
    current.symlink_to("generations/1")
    for path in ("build/bin", "proxy/whisper_proxy", "units", "venv/bin"):
        (current / path).mkdir(parents=True)
    for part, file in (("build", "bin/whisper-server"), ("proxy", "whisper_proxy/app.py")):
        (current / part / file).write_text(file)
        sums = subprocess.run(
            ["sha256sum", file], cwd=current / part, capture_output=True, check=True
        ).stdout
        (current / part / "SHA256SUMS").write_bytes(sums)
    Path(layout.units).mkdir(parents=True)
    for directory in (current / "units", Path(layout.units)):
        (directory / SERVER_UNIT).write_text("[Unit]\n")
    return layout


def asked(layout: Layout, tmp_path: Path, plan: str = PLAN) -> object:
    (tmp_path / "plan").write_text(plan)
    program(tmp_path / "manager", "systemd", f"cat {tmp_path}/plan")
    return answer(Serving, {MANAGER: tmp_path / "manager/systemd"}, layout=layout)


def differing(layout: Layout, tmp_path: Path) -> tuple[str, ...]:
    program(tmp_path / "bin", "systemctl", "exit 1")
    state: ServiceState = answer(Services, programs=tmp_path / "bin", layout=layout, number=1)
    return state.differing


def test_all_is_as_it_was_installed(layout: Layout, tmp_path: Path):
    found = asked(layout, tmp_path)
    assert found.changed_build == found.changed_proxy == differing(layout, tmp_path) == ()
    assert found.starts == (PROXY_SOCKET, SERVER_UNIT)
    assert found.busy == ""


def test_what_was_changed_or_removed_is_told(layout: Layout, tmp_path: Path):
    current = Path(layout.current)
    (current / "build/bin/whisper-server").write_text("built by hand")
    (current / "proxy/whisper_proxy/app.py").unlink()
    (Path(layout.units) / SERVER_UNIT).write_text("[Unit]\nDescription=mine\n")
    found = asked(layout, tmp_path)
    assert found.changed_build == ("bin/whisper-server",)
    assert found.changed_proxy == ("whisper_proxy/app.py",)
    assert differing(layout, tmp_path) == (SERVER_UNIT,)


def test_a_build_from_before_there_were_sums_is_not_judged(layout: Layout, tmp_path: Path):
    build = Path(layout.current, "build")
    (build / "SHA256SUMS").unlink()
    (build / "bin/whisper-server").write_text("another")
    assert asked(layout, tmp_path).changed_build == ()


@pytest.mark.parametrize(
    ("plan", "starts"),
    [
        ("Unit default.target is masked.\nFalling back to rescue.target.\n", ()),
        ("Loaded units and determined initial transaction in 271ms.\n", ()),
        ("Don't run test mode as root.", None),
        ("", None),
    ],
)
def test_a_manager_that_would_start_nothing_and_one_that_does_not_say(
    layout: Layout, tmp_path: Path, plan: str, starts: object
):
    assert asked(layout, tmp_path, plan).starts == starts


def test_a_run_that_is_at_work(layout: Layout, tmp_path: Path):
    lock = Path(layout.lock)
    lock.write_text("token\nada@desk (process 7), since now\n")
    assert asked(layout, tmp_path).busy == ""
    held = subprocess.Popen(["flock", str(lock), "sleep", "60"])
    try:
        while subprocess.run(["flock", "-n", str(lock), "true"], check=False).returncode == 0:
            pass
        assert asked(layout, tmp_path).busy == "ada@desk (process 7), since now"
    finally:
        subprocess.run(["pkill", "-P", str(held.pid)], check=True)
        held.wait()


def test_nothing_is_known_where_nothing_serves(tmp_path: Path):
    assert answer(Serving, layout=Layout(str(tmp_path))) == Serving.default()


@pytest.fixture
def running(layout: Layout, tmp_path: Path) -> Iterator[Path]:
    """The proxy's own code in the generation, and a process with its environment; and programs."""
    shutil.rmtree(f"{layout.current}/proxy/whisper_proxy")
    shutil.copytree(PROXY_PACKAGE, f"{layout.current}/proxy/whisper_proxy")
    Path(layout.current, "venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    Path(layout.current, "venv/bin/python").chmod(0o755)
    programs = tmp_path / "programs"
    environment = {"PATH": os.environ["PATH"], "TMPDIR": "/var/tmp", "LISTEN_FDS": "1"}
    with subprocess.Popen(["sleep", "60"], env=environment) as process:
        program(programs, "systemctl", f"echo {process.pid}")
        yield programs
        process.kill()


def test_the_proxy_is_asked_in_the_environment_of_its_service(layout: Layout, running: Path):
    report: ProxyReport = answer(ProxySelfCheck, programs=running, layout=layout)
    assert (report.error, report.faults) == ("", {})
    assert report.formats == ("MP3", "Opus", "AAC")
    assert report.spool == "/var/tmp"
    assert report.free
    assert report.mount.startswith("/")


def test_a_python_that_is_gone_is_an_error(layout: Layout, running: Path):
    Path(layout.current, "venv/bin/python").unlink()
    report: ProxyReport = answer(ProxySelfCheck, programs=running, layout=layout)
    assert "venv/bin/python" in report.error
    assert "No such file" in report.error


def test_a_proxy_from_before_there_was_a_self_check(layout: Layout, running: Path):
    Path(layout.current, "proxy/whisper_proxy/self_check.py").unlink()
    assert answer(ProxySelfCheck, programs=running, layout=layout) is None


def test_a_proxy_that_does_not_run(layout: Layout, tmp_path: Path):
    program(tmp_path / "none", "systemctl", "echo 0")
    assert answer(ProxySelfCheck, programs=tmp_path / "none", layout=layout) is None


def test_values_are_json_for_pyinfra():
    assert json.dumps(Serving.default().to_json())
    assert json.dumps(ProxyReport().to_json())
