"""What the shell makes of this machine."""

import os
import platform
import pwd
from pathlib import Path

from tests.facts.answers import answer
from voicemode_whisper.facts.machine import AvailableMemory, Identity


def test_who_and_what_this_is(tmp_path: Path):
    (tmp_path / "os-release").write_text('NAME="CachyOS Linux"\nID=cachyos\n')
    system = {"/etc/os-release": tmp_path / "os-release", "/run/systemd/system": tmp_path / "none"}
    identity = answer(Identity, system)
    assert identity == {
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "uid": os.getuid(),
        "home": os.environ["HOME"],
        "architecture": platform.machine(),
        "init": Path("/proc/1/comm").read_text().strip(),
        "os_release": {"NAME": "CachyOS Linux", "ID": "cachyos"},
    }


def test_systemd_runs_a_machine_whose_proc_hides_other_users_processes(tmp_path: Path):
    system = {"/run/systemd/system": tmp_path, "/proc/1": tmp_path / "hidden"}
    assert answer(Identity, system)["init"] == "systemd"


def test_a_system_without_a_name(tmp_path: Path):
    assert answer(Identity, {"/etc/os-release": tmp_path / "none"})["os_release"] == {}


def test_the_memory_that_programs_can_have():
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert total / 1000 < answer(AvailableMemory) < total


def test_a_kernel_that_does_not_say_what_memory_is_left(tmp_path: Path):
    assert answer(AvailableMemory, {"/proc/meminfo": tmp_path / "none"}) is None
