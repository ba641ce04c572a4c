"""await-units.sh with a service manager and a curl that only pretend."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.facts.answers import program
from voicemode_whisper.scripts import words

URL = "http://127.0.0.1:2023/health"
# What `systemctl show -p NAME --value` says.
SYSTEMCTL = """
case $* in
  *ActiveState*) echo {state} ;;
  *NRestarts*) echo x >> restarts; wc -l < restarts ;;
  *MainPID*) echo 1 ;;
esac"""
COUNTED = "echo x >> tries; "


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A unit runs, and what waits or asks the machine returns at once."""
    for name in ("sleep", "journalctl", "ss"):
        program(tmp_path / "bin", name, "exit 0")
    program(tmp_path / "bin", "systemctl", SYSTEMCTL.format(state="active").replace("x >>", "0 >"))
    return tmp_path / "bin"


def wait(programs: Path, seconds: int = 180) -> tuple[int, str]:
    """The exit status and the last line of what was printed."""
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "AWAIT_SECONDS": str(seconds)}
    done = subprocess.run(
        words("await-units", "x.service", URL),
        cwd=programs.parent, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
    )  # fmt: skip
    return done.returncode, (done.stdout.splitlines() or [""])[-1]


def tries(programs: Path) -> int:
    return len((programs.parent / "tries").read_text().splitlines())


def test_what_answers_is_not_waited_for(programs: Path):
    program(programs, "curl", f"{COUNTED}exit 0")
    assert wait(programs) == (0, "")
    assert tries(programs) == 1


def test_what_answers_later_is_waited_for(programs: Path):
    program(programs, "curl", f"{COUNTED}[ $(wc -l < tries) -eq 4 ] || exit 7")
    assert wait(programs) == (0, "")
    assert tries(programs) == 4


def test_what_accepts_and_never_answers_is_given_up_after_three_minutes(programs: Path):
    program(programs, "curl", f"{COUNTED}exit 28")  # after five seconds, if it were the real one
    status, line = wait(programs)
    assert status == 1
    assert line == f"x.service does not answer at {URL}: its last words are above"
    assert 170 < tries(programs) * 5.2 < 190


def test_what_refuses_is_asked_five_times_a_second(programs: Path):
    program(programs, "curl", f"{COUNTED}exit 7")
    assert wait(programs, seconds=10)[0] == 1
    assert tries(programs) == 10 * 5


def test_what_takes_long_otherwise_is_given_up_by_the_clock(programs: Path):
    program(programs, "curl", f"{COUNTED}/bin/sleep 0.5; exit 7")
    started = time.monotonic()
    assert wait(programs, seconds=2)[0] == 1
    assert time.monotonic() - started < 5
    assert tries(programs) <= 5


@pytest.mark.parametrize("state", ["failed", "inactive"])
def test_what_has_ended_is_given_up_at_once(programs: Path, state: str):
    program(programs, "systemctl", SYSTEMCTL.format(state=state).replace("x >>", "0 >"))
    assert wait(programs)[0] == 1


def test_what_keeps_dying_is_given_up(programs: Path):
    program(programs, "systemctl", SYSTEMCTL.format(state="activating"))
    assert wait(programs)[0] == 1
    assert len((programs.parent / "restarts").read_text()) < 40


def test_a_port_that_another_program_has_is_named(programs: Path):
    program(programs, "systemctl", SYSTEMCTL.format(state="failed").replace("x >>", "0 >"))
    program(programs, "ss", """echo 'LISTEN users:(("x",pid=77,fd=3))'""")
    assert wait(programs)[1].endswith("port 2023 is taken by another program")
