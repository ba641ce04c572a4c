"""What the shell makes of units, with a service manager that only pretends."""

import os
import sys
from pathlib import Path

from tests.facts.answers import answer, program
from voicemode_whisper.core.layout import PROXY_SOCKET, Layout
from voicemode_whisper.facts.user_unit import Services, Unit

# A paragraph for each unit that is asked for.
SYSTEMCTL = """
for unit; do
  case $unit in *.service | *.socket)
    printf '%s\\n' ActiveState=active MainPID={pid} UnitFileState=enabled '' ;;
  esac
done"""


def test_a_unit_is_read_with_what_its_process_runs(tmp_path: Path):
    program(tmp_path, "systemctl", SYSTEMCTL.format(pid=os.getpid()))
    state = answer(Unit, programs=tmp_path, unit="x.service")
    assert (state.active, state.enabled, state.pid) == ("active", "enabled", os.getpid())
    assert state.program == os.path.realpath(sys.executable)


def test_a_process_that_names_no_revision_is_no_error(tmp_path: Path):
    program(tmp_path, "systemctl", f"echo ActiveState=active; echo MainPID={os.getpid()}")
    assert answer(Unit, programs=tmp_path, unit="x.service").revision == ""


def test_a_unit_without_a_process(tmp_path: Path):
    program(tmp_path, "systemctl", SYSTEMCTL.format(pid=0))
    state = answer(Unit, programs=tmp_path, unit="x.service")
    assert (state.active, state.program, state.revision) == ("active", "", "")


def test_where_no_manager_answers_nothing_runs(tmp_path: Path):
    program(tmp_path, "systemctl", "exit 1")
    assert answer(Unit, programs=tmp_path, unit="x.service").active == "inactive"


def test_the_services_are_read_beside_a_generation(tmp_path: Path):
    layout = Layout(str(tmp_path))
    units = Path(layout.services, "generations/7/units")
    units.mkdir(parents=True)
    (units / PROXY_SOCKET).write_text("[Socket]\n")
    program(tmp_path / "bin", "systemctl", SYSTEMCTL.format(pid=os.getpid()))
    services = answer(Services, programs=tmp_path / "bin", layout=layout, number=7)
    assert services.differing == (PROXY_SOCKET,)
    assert services.links == ("whisper.cpp/build", "whisper-proxy", "whisper-proxy-venv")
    assert services.units[PROXY_SOCKET].pid == os.getpid()
    assert len(services.units) == 4
    assert {unit.enabled for unit in services.units.values()} == {"enabled"}
