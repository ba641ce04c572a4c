"""await-units.sh with a service manager and a curl that only pretend."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from whisper_proxy.idle import idle_status

from tests.facts.answers import program
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.scripts import words

URL = "http://127.0.0.1:2023/health"
# What `systemctl show` says.
SYSTEMCTL = """
case $* in
  *ActiveState*) echo x >> restarts; echo ActiveState={state}; echo NRestarts=$(wc -l < restarts) ;;
esac"""
COUNTED = "echo x >> tries; "
# Time passes as these say, in tenths of a second.
CLOCK = "read -r now < clock; echo $((now + {tenths})) > clock; "
PROGRAM = "/b/whisper-server"
# Who listens, as ss shows it.
OWN = 'LISTEN 0 5 127.0.0.1:2023 0.0.0.0:* users:(("x",pid=11,fd=3))'
MANAGERS = OWN.replace("pid=11,fd=3))", 'pid=11,fd=3),("systemd",pid=12,fd=30))')
ANOTHERS = "LISTEN 0 5 127.0.0.1:2023 0.0.0.0:*"
SHARED = f"{OWN}\n{OWN.replace('11', '13')}"
ELSEWHERE = f"{OWN}\n{ANOTHERS.replace('127.0.0.1', '127.0.0.2')}"
CGROUPS = {
    11: "app.slice/x.service",
    12: "init.scope",
    13: "app.slice/y.service",
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A unit runs, the process that listens is its own, and what waits returns at once."""
    (tmp_path / "clock").write_text("0\n")
    program(tmp_path / "bin", "sleep", CLOCK.format(tenths=2))
    program(tmp_path / "bin", "cut", 'case $* in *uptime) echo $(($(cat clock) / 10)) ;; '
            '*) exec /usr/bin/cut "$@" ;; esac')  # fmt: skip
    for name in ("journalctl", "ss"):
        program(tmp_path / "bin", name, "exit 0")
    program(tmp_path / "bin", "systemctl", SYSTEMCTL.format(state="active").replace("x >>", "0 >"))
    listening(tmp_path / "bin", OWN)
    for pid, unit in CGROUPS.items():
        process = tmp_path / f"proc/{pid}"
        process.mkdir(parents=True)
        manager = f"/user.slice/user-{os.getuid()}.slice/user@{os.getuid()}.service"
        (process / "cgroup").write_text(f"0::{manager}/{unit}\n")
        (process / "exe").symlink_to(PROGRAM)
    return tmp_path / "bin"


def listening(programs: Path, lines: str) -> None:
    program(programs, "ss", f"printf '%s\\n' '{lines}'")


def wait(programs: Path, seconds: int = 180, unit: str = "x.service") -> tuple[int, str]:
    """The exit status and the last line of what was printed."""
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "AWAIT_SECONDS": str(seconds)}
    shell, option, text, *arguments = words("await-units", unit, URL, PROGRAM)
    text = re.sub(r"/proc/(?!uptime)", f"{programs.parent}/proc/", text)
    done = subprocess.run(
        [shell, option, text, *arguments],
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
    program(programs, "curl", f"{COUNTED}{CLOCK.format(tenths=50)}exit 28")
    status, line = wait(programs)
    assert status == 1
    assert line == f"x.service does not answer at {URL}: its last words are above"
    assert 180 <= tries(programs) * 5.2 < 190


def test_what_refuses_is_asked_five_times_a_second(programs: Path):
    program(programs, "curl", f"{COUNTED}exit 7")
    assert wait(programs, seconds=10)[0] == 1
    assert tries(programs) == 10 * 5 + 1


def test_on_a_busy_machine_it_has_all_of_its_time(programs: Path):
    """Tries that take no time of their own are no reason to give up earlier."""
    program(programs, "sleep", CLOCK.format(tenths=1))
    program(programs, "curl", f"{COUNTED}[ $(wc -l < tries) -eq 150 ] || exit 28")
    assert wait(programs, seconds=20)[0] == 0


def test_what_takes_long_otherwise_is_given_up_by_the_clock(programs: Path):
    program(programs, "curl", f"{COUNTED}{CLOCK.format(tenths=7)}exit 7")
    assert wait(programs, seconds=20)[0] == 1
    assert 20 <= tries(programs) * 0.9 < 22


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
    program(programs, "ss", """echo 'LISTEN 0 5 0.0.0.0:2023 *:* users:(("x",pid=77,fd=3))'""")
    assert wait(programs)[1].endswith("port 2023 is taken by another program")


@pytest.mark.parametrize("lines", [OWN, MANAGERS, ELSEWHERE])
def test_what_the_unit_s_own_process_answers_counts(programs: Path, lines: str):
    program(programs, "curl", "exit 0")
    listening(programs, lines)
    assert wait(programs) == (0, "")


@pytest.mark.parametrize("lines", [ANOTHERS, OWN.replace("11", "13"), OWN.replace("11", "99")])
def test_what_another_program_answers_is_no_answer(programs: Path, lines: str):
    """The unit is about to die: systemd calls it active until it has."""
    program(programs, "curl", f"{COUNTED}exit 0")
    listening(programs, lines)
    assert wait(programs, seconds=10)[1].endswith("port 2023 is taken by another program")
    assert tries(programs) > 1


def test_one_that_shares_the_port_is_given_up_at_once(programs: Path):
    program(programs, "curl", f"{COUNTED}exit 0")
    listening(programs, SHARED)
    assert wait(programs)[1].endswith("port 2023 is taken by another program")
    assert tries(programs) == 1


def test_the_manager_s_own_socket_is_no_other_program(programs: Path):
    program(programs, "curl", "exit 7")
    listening(programs, OWN.replace("11", "12"))
    assert wait(programs, seconds=2)[1].endswith("its last words are above")


@pytest.mark.parametrize("answer", [0, 22])
@pytest.mark.parametrize("runs", ["/usr/bin/python3.13", f"{PROGRAM} (deleted)"])
def test_a_unit_that_runs_another_program_is_given_up_at_once(
    programs: Path, runs: str, answer: int
):
    exe = programs.parent / "proc/11/exe"
    exe.unlink()
    exe.symlink_to(runs)
    program(programs, "curl", f"exit {answer}")
    status, line = wait(programs)
    assert status == 1
    assert line.startswith(f"x.service runs {runs} instead of {PROGRAM}, as these say: ")


@pytest.mark.parametrize("runs", ["/usr/lib/systemd/systemd-executor", "/usr/lib/systemd/systemd"])
def test_a_unit_that_is_just_being_started_is_waited_for(programs: Path, runs: str):
    """Before systemd executes the unit's program it has forked, and the socket is there already."""
    exe = programs.parent / "proc/11/exe"
    exe.unlink()
    exe.symlink_to(runs)
    program(programs, "curl", f"{COUNTED}[ $(wc -l < tries) -eq 4 ] || exit 7")
    assert wait(programs) == (0, "")


def test_a_process_that_has_just_ended_is_no_other_program(programs: Path):
    (programs.parent / "proc/11/exe").unlink()
    program(programs, "curl", f"{COUNTED}[ $(wc -l < tries) -eq 4 ] || exit 7")
    assert wait(programs) == (0, "")


IDLE = """
case $* in
  *StatusText*) echo '{status}' ;;
  *is-active*) [ {proxy} = active ] ;;
  *ActiveState*) [ -e started ] && echo ActiveState=active || echo ActiveState={state} ;;
  *start*) touch started ;;
esac"""


def idle(programs: Path, unit: str = SERVER_UNIT, **said: str) -> bool:
    """Whether the unit is started that is stopped; then it answers, and what waits ends well."""
    text = {"status": idle_status(900), "proxy": "active", "state": "inactive", **said}
    program(programs, "systemctl", IDLE.format(**text))
    program(programs, "curl", "[ -e started ] || exit 7")
    (programs.parent / "proc/11/cgroup").write_text(
        (programs.parent / "proc/11/cgroup").read_text().replace("x.service", unit)
    )
    started = wait(programs, unit=unit)[0] == 0
    assert started == (programs.parent / "started").exists()
    return started


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_server_that_is_idle_is_started(programs: Path, state: str):
    assert idle(programs, state=state)


@pytest.mark.parametrize(
    "said", [{"status": ""}, {"proxy": "inactive"}, {"unit": "voicemode-whisper-proxy.service"}]
)
def test_one_that_is_stopped_otherwise_is_given_up(programs: Path, said: dict[str, str]):
    assert not idle(programs, **said)
