"""How an upgrade without anybody ends: noted, and told where it failed; and when it comes."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from pyinfra.api import StringCommand

from tests.fake_hosts import FakeHost
from voicemode_whisper import project_archive
from voicemode_whisper.core.layout import UPGRADE_TIMER, Layout
from voicemode_whisper.core.services import UnitState
from voicemode_whisper.core.upgrades import UpgradeState, inventory, parse_upgrade_state
from voicemode_whisper.core.venv import SYSTEM_PYTHON
from voicemode_whisper.facts.upgrades import CalendarProblem
from voicemode_whisper.operations import upgrades
from voicemode_whisper.scripts import words

# As pyinfra prints it, without a terminal.
LOG = """--> Starting operation: whisper.cpp | Build whisper.cpp v1.9.3
    [@local] generation 4 (whisper.cpp v1.9.3) was rejected on 2026-11-20: it was silent
    [@local] whisper_repo: cannot read https://host/x as a git repository: no answer

pyinfra error: No hosts remaining!
"""


@pytest.fixture
def upgrade(tmp_path: Path) -> Path:
    (tmp_path / "project-1").mkdir()
    (tmp_path / "last.log").write_text(LOG)
    return tmp_path


def ended(upgrade: Path, result: str, code: str = "exited") -> UpgradeState:
    """What is noted of a run that systemd says this of, and of its process."""
    subprocess.run(
        words("upgrade-ended"),
        cwd=upgrade / "project-1",
        env={"SERVICE_RESULT": result, "EXIT_CODE": code, "PATH": "/usr/bin:/bin"},
        check=True,
        timeout=60,
    )
    return parse_upgrade_state((upgrade / "last").read_text().splitlines())


def test_a_failure_is_noted_with_its_cause_and_told(upgrade: Path):
    (upgrade / "notify").write_text("cat > ../told\n")
    found = ended(upgrade, "exit-code")
    assert (found.result, found.said.split(":")[0]) == ("exit-code", "whisper_repo")
    first, cause, _ = (upgrade / "told").read_text().splitlines()
    assert first.endswith("was not upgraded; what served goes on.")
    assert cause == found.said


# As pyinfra ends what it says of an operation that has failed.
FAILED = "[@local] verify: silent\n    [@local] Error: executed 2 commands\n"
NO_MODULE = "venv-1/bin/python: No module named pyinfra"


@pytest.mark.parametrize(
    ("log", "said"),
    [(f"{LOG}{FAILED}", "verify: silent"), (f"{NO_MODULE}\n\n", NO_MODULE), ("", "")],
)
def test_what_is_noted_is_the_cause(upgrade: Path, log: str, said: str):
    (upgrade / "last.log").write_text(log)
    assert ended(upgrade, "exit-code").said == said


def test_what_is_well_is_told_to_nobody(upgrade: Path):
    (upgrade / "notify").write_text("cat > ../told\n")
    found = ended(upgrade, "success")
    assert found.said.endswith("was rejected on 2026-11-20: it was silent")
    assert not (upgrade / "told").exists()


def test_one_that_systemd_has_ended_is_told_by_its_name(upgrade: Path):
    (upgrade / "notify").write_text("")
    assert ended(upgrade, "timeout", "killed").said == "it was ended: timeout"


def test_one_that_was_stopped_has_not_gone_well(upgrade: Path):
    (upgrade / "notify").write_text("")
    found = ended(upgrade, "success", "killed")
    assert (found.result, found.said) == ("stopped", "it was ended: stopped")


SETTINGS = {"whisper_repo": "https://ada:s3cr3t@host/x"}
NOTIFY = "curl -d @- https://ntfy.sh/s3cr3t"


def scheduling(home: Path) -> StringCommand:
    """The command that has the timer on a host that has none."""
    layout = Layout(str(home))
    units = sorted(layout.upgrade_units, reverse=True)
    paths = [f"{layout.upgrade}/inventory.py", f"{layout.upgrade}/notify", *sorted(units)]
    facts = {
        "toolchain.Python": "3.13",
        "user_unit.Unit": {f"unit={UPGRADE_TIMER}": UnitState()},
        "files.Sha256Sums": {f"paths={paths}": {}},
    }
    with FakeHost(facts).worked_on():
        (command,) = upgrades.scheduled._inner(
            layout, "daily", NOTIFY, "project-1", "d" * 64, SETTINGS
        )
    return command


def test_what_may_have_a_password_stands_on_no_command_line(tmp_path: Path):
    command = scheduling(tmp_path)
    assert "s3cr3t" not in f"{command.get_raw_value()} {command.connector_arguments}"
    assert command.connector_arguments["_stdin"] == [NOTIFY, *inventory(SETTINGS).splitlines()]


def test_the_timer_comes_with_files_for_its_owner_alone(tmp_path: Path):
    upgrade, units, programs = (tmp_path / name for name in ("upgrade", "units", "bin"))
    for made in (upgrade / "project-1", upgrade / "project-0", programs):
        made.mkdir(parents=True)
    # In place of a user's manager, which is not here.
    (programs / "systemctl").write_text("#!/bin/sh\n")
    (programs / "systemctl").chmod(0o755)
    told = "\n".join([NOTIFY, *inventory(SETTINGS).splitlines(), ""])
    arguments = (str(upgrade), str(units), "project-1", "venv-1", "a.timer", "%h\n")
    subprocess.run(
        words("schedule-upgrades", *arguments),
        env={"PATH": f"{programs}:/usr/bin:/bin"}, input=told, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert (units / "a.timer").read_text() == "%h\n"
    assert (upgrade / "inventory.py").read_text() == inventory(SETTINGS)
    assert (upgrade / "notify").read_text() == NOTIFY
    assert {path.stat().st_mode & 0o777 for path in upgrade.iterdir() if path.is_file()} == {0o600}
    assert not (upgrade / "project-0").exists()
    assert (upgrade / "project-1").exists()


LAYOUT = Layout("/h")
UNITS = dict.fromkeys(LAYOUT.upgrade_units, "0" * 64)


@pytest.mark.parametrize(
    ("units", "is_there", "commands"),
    [
        ({}, False, 0),
        (UNITS, True, 4),
        # As where somebody has removed ~/.voicemode/services, or a run was killed before its end.
        (UNITS, False, 4),
        ({}, True, 1),
    ],
)
def test_whatever_is_left_of_the_timer_is_removed(
    units: dict[str, str], is_there: bool, commands: int
):
    facts = {
        "files.Sha256Sums": {f"paths={LAYOUT.upgrade_units}": units},
        "files.Exists": {f"path={LAYOUT.upgrade}": is_there},
    }
    assert len(FakeHost(facts).commands(upgrades.absent, layout=LAYOUT)) == commands


@pytest.mark.parametrize(
    ("calendar", "is_known"), [("Sun 04:00", True), ("someday", False), ("2020-01-01", False)]
)
def test_systemd_says_whether_it_knows_a_time(calendar: str, is_known: bool):
    command = CalendarProblem().command(calendar).get_raw_value()
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert (said.stdout == "") is is_known


@pytest.mark.slow
def test_another_python_since_is_no_reason_not_to_upgrade(tmp_path: Path):
    project, venv = tmp_path / "project-1", tmp_path / "venv-1"
    with tarfile.open(fileobj=io.BytesIO(project_archive.archive())) as tar:
        tar.extractall(project, filter="data")
    subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
    # What pacman leaves of it: packages for a Python that is gone.
    (library,) = (venv / "lib").iterdir()
    library.rename(venv / "lib/python3.9")
    (tmp_path / "inventory.py").write_text("servers = ['@local']")
    run = subprocess.run(
        ["sh", "voicemode_whisper/scripts/run-upgrade.sh", "../venv-1"],
        cwd=project, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    # Its settings are none, so the deploy ends as soon as it is there.
    assert run.returncode == 1
    assert "installing the packages of the upgrade" in run.stdout
    assert "[@local] whisper_version: got None; allowed is latest" in run.stdout
    assert (tmp_path / "last.log").read_text() == run.stdout
