"""What the shell makes of who listens on this machine."""

import os
from pathlib import Path

from tests.facts.answers import answer, program
from voicemode_whisper.facts.ports import Listeners

SS = """
echo 'LISTEN 0 5 127.0.0.1:2022 0.0.0.0:*'
echo 'LISTEN 0 5 127.0.0.1:2023 0.0.0.0:* users:(("a b",pid=77,fd=3),("systemd",pid=78,fd=3))'
echo 'LISTEN 0 5 *:22 *:* users:(("sshd",pid=79,fd=3))'"""
# As systemctl shows units with several addresses, and in no order that can be relied on.
UNITS = """
printf 'Listen=127.0.0.1:2023 (Stream)\\nListen=[::1]:12023 (Stream)\\nId=a.socket\\n\\n'
printf 'Id=b.socket\\nListen=/run/x:2023 (Datagram)\\nListen=127.0.0.2:2023 (Stream)\\n'"""


def process(proc: Path, pid: int, name: str, unit: str) -> None:
    directory = proc / str(pid)
    directory.mkdir(parents=True)
    (directory / "comm").write_text(f"{name}\n")
    (directory / "status").write_text("Name:\tx\nUid:\t0\t0\t0\t0\n")
    (directory / "cgroup").write_text(f"1:name=systemd:/\n0::/user.slice/user@0.service/{unit}\n")


def test_a_listener_is_named_with_its_unit(tmp_path: Path):
    program(tmp_path / "bin", "ss", SS)
    program(tmp_path / "bin", "setpriv", UNITS)
    process(tmp_path / "proc", 77, "a b", "session.scope")
    process(tmp_path / "proc", 78, "systemd", "init.scope")
    found = answer(Listeners, {"/proc": tmp_path / "proc"}, tmp_path / "bin", ports=(2022, 2023))
    assert [str(one) for one in found] == [
        "a program that cannot be seen",
        "a b in session.scope (root)",
        "systemd for a.socket (root)",
        "a program that cannot be seen",
    ]
    assert [(one.address, one.port) for one in found][2:] == [("127.0.0.1", 2023), ("*", 22)]


def test_a_socket_of_the_system_is_asked_of_the_system(tmp_path: Path):
    program(tmp_path / "bin", "ss", SS.replace("pid=78", "pid=1"))
    program(tmp_path / "bin", "systemctl", f"case $* in --user*) exit 1 ;; esac\n{UNITS}")
    process(tmp_path / "proc", 1, "systemd", "init.scope")
    found = answer(Listeners, {"/proc": tmp_path / "proc"}, tmp_path / "bin", ports=(2023,))
    assert [one.unit for one in found if one.pid] == ["a.socket"]


def test_a_process_that_has_ended_cannot_be_seen(tmp_path: Path):
    program(tmp_path / "bin", "ss", SS)
    found = answer(Listeners, {"/proc": tmp_path / "none"}, tmp_path / "bin", ports=(2023,))
    assert {one.pid for one in found} == {0}


def test_this_machine_can_be_asked():
    assert {one.pid for one in answer(Listeners, ports=(os.getpid() % 60000 + 1,))} == {0}
