"""What the shell makes of a user's manager, with a systemd that only pretends."""

import os
from pathlib import Path

import pytest

from tests.facts.answers import answer, program
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT, Layout
from voicemode_whisper.core.user_manager import Override
from voicemode_whisper.facts.machine import Lingering
from voicemode_whisper.facts.user_manager import UserManagerState

SYSTEMCTL = """
case $* in
  --version) printf 'systemd 257 (257.13-1)\\n+PAM\\n' ;;
  *is-system-running) echo degraded; exit 1 ;;
  *--state=failed*) echo 'music.service loaded failed failed Music' ;;
  *is-active*) exit {inactive} ;;
  *) printf 'LoadState=loaded\\nActiveState=active\\nResult=success\\n' ;;
esac"""
LOGINCTL = """
case $* in
  list-users) ;;
  *--value*) echo yes ;;
  *) echo Linger=yes ;;
esac"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A systemd that has the user's directories, one of them with a space."""
    programs = tmp_path / "bin"
    program(programs, "systemctl", SYSTEMCTL.format(inactive=0))
    program(programs, "loginctl", LOGINCTL)
    layout = Layout(str(tmp_path / "a b"))
    above, below = tmp_path / "above", tmp_path / "below"
    lines = f"{above}\n{layout.units}\n{below}"
    program(programs, "systemd-analyze", f'[ "$*" = "--user unit-paths" ] && echo "{lines}"')
    for path in (above / PROXY_UNIT, below / SERVER_UNIT, Path(layout.units, SERVER_UNIT)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    drop_in = Path(layout.units, f"{SERVER_UNIT}.d/own.conf")
    drop_in.parent.mkdir()
    drop_in.write_text("# x\n[Service]\n ExecStart = \nExecStart=/usr/bin/x \\\n   --port 1\n")
    for name in ("voicemode-.service.d", "service.d"):
        (below / name).mkdir()
        (below / name / f"{name}.conf").write_text("[Service]\nNice=5\n")
    return programs


def test_the_manager_is_read_with_what_changes_its_units(programs: Path):
    layout = Layout(str(programs.parent / "a b"))
    found = answer(UserManagerState, programs=programs, layout=layout)
    assert (found.systemd, found.lingers, found.active) == (257, True, "active")
    assert (found.manager, found.failed) == ("degraded", ("music.service",))
    of_server = [one for one in found.overrides if one.unit == SERVER_UNIT]
    below = programs.parent / "below"
    assert of_server == [
        Override(
            SERVER_UNIT,
            f"{layout.units}/{SERVER_UNIT}.d/own.conf",
            (("ExecStart", ""), ("ExecStart", "/usr/bin/x  --port 1")),
        ),
        Override(SERVER_UNIT, f"{below}/service.d/service.d.conf", (("Nice", "5"),)),
        Override(
            SERVER_UNIT, f"{below}/voicemode-.service.d/voicemode-.service.d.conf",
            (("Nice", "5"),),
        ),
    ]  # fmt: skip
    hidden = [one.path for one in found.overrides if one.hides]
    assert hidden == [f"{programs.parent}/above/{PROXY_UNIT}"]


def test_where_logind_does_not_answer_nobody_knows(programs: Path):
    program(programs, "loginctl", "exit 1")
    found = answer(UserManagerState, programs=programs, layout=Layout("/none"))
    assert found.lingers is None


def test_a_user_lingers_whose_manager_runs(programs: Path):
    def lingers() -> bool:
        found: bool = answer(Lingering, programs=programs, user="ada", uid=os.getuid())
        return found

    assert lingers()
    program(programs, "systemctl", SYSTEMCTL.format(inactive=3))
    assert not lingers()
    program(programs, "systemctl", SYSTEMCTL.format(inactive=0))
    program(programs, "loginctl", "exit 1")  # one who is not logged in and does not linger
    assert not lingers()
