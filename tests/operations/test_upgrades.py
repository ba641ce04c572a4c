"""How an upgrade without anybody ends: noted, and told where it failed; and when it comes."""

import subprocess
from pathlib import Path

import pytest

from voicemode_whisper.core.upgrades import UpgradeState, parse_upgrade_state
from voicemode_whisper.facts.upgrades import CalendarProblem
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


def ended(upgrade: Path, result: str) -> UpgradeState:
    """What is noted of a run that systemd says this of."""
    subprocess.run(
        words("upgrade-ended"),
        cwd=upgrade / "project-1",
        env={"SERVICE_RESULT": result, "PATH": "/usr/bin:/bin"},
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


def test_what_is_well_is_told_to_nobody(upgrade: Path):
    (upgrade / "notify").write_text("cat > ../told\n")
    found = ended(upgrade, "success")
    assert found.said.endswith("was rejected on 2026-11-20: it was silent")
    assert not (upgrade / "told").exists()


def test_one_that_systemd_has_ended_is_told_by_its_name(upgrade: Path):
    (upgrade / "notify").write_text("")
    assert ended(upgrade, "timeout").said == "it was ended: timeout"


@pytest.mark.parametrize(("calendar", "is_known"), [("Sun 04:00", True), ("someday", False)])
def test_systemd_says_whether_it_knows_a_time(calendar: str, is_known: bool):
    command = CalendarProblem().command(calendar).get_raw_value()
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert (said.stdout == "") is is_known
