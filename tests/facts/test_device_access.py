"""What the shell makes of devices and of a user's service manager, which are made up here."""

import os
import pwd
import re
from pathlib import Path

import pytest

from tests.facts.answers import answer, program
from voicemode_whisper.core.device_access import ManagerActivity, may_open
from voicemode_whisper.facts.device_access import (
    ConnectionDeviceAccess,
    UnitDeviceAccess,
    UserManagerActivity,
)
from voicemode_whisper.scripts import words

USER = pwd.getpwuid(os.getuid()).pw_name
GETFACL = """
echo 'user::rw-'
printf 'user:ada:rw-\\t#effective:r--\\n'
printf 'group::rw-\\t#effective:r--\\ngroup:render:rw-\\t#effective:r--\\n'
printf 'mask::r--\\nother::---\\n\\n'"""


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A directory with a kfd in it, which this process may open, and no render node."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    (tmp_path / "dev/kfd").chmod(0o660)
    return tmp_path / "dev"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """No service manager runs, and nobody has an ACL, unless a test says so."""
    directory = tmp_path / "bin"
    program(directory, "getfacl", "exit 1")
    program(directory, "systemctl", "echo 0")
    program(directory, "systemd-run", "exit 1")
    return directory


def test_a_device_is_read_with_its_mode_and_owners(devices: Path, programs: Path):
    access = answer(ConnectionDeviceAccess, {"/dev": devices}, programs, user=USER)
    (kfd,) = access.devices
    assert (kfd.path, kfd.mode, kfd.owner) == (f"{devices}/kfd", "-rw-rw----", USER)
    assert kfd.acl == ()
    assert kfd.accessible
    assert access.missing_devices == (f"{devices}/dri/renderD*",)
    assert access.process_groups == access.account_groups != ()
    assert access.manager_groups is None
    assert access.process == "this connection"


def test_its_acl_is_read_with_what_the_mask_leaves(devices: Path, programs: Path):
    program(programs, "getfacl", GETFACL)
    access = answer(ConnectionDeviceAccess, {"/dev": devices}, programs, user=USER)
    (kfd,) = access.devices
    assert len(kfd.acl) == 6
    assert not may_open(kfd, "ada", ["render"])


def test_the_groups_of_a_manager_are_read_by_name(devices: Path, programs: Path):
    program(programs, "systemctl", f"echo {os.getpid()}")
    access = answer(ConnectionDeviceAccess, {"/dev": devices}, programs, user=USER)
    assert set(access.manager_groups) == set(access.process_groups)


def test_a_unit_is_asked_through_its_service_manager(devices: Path, programs: Path):
    program(programs, "systemd-run", 'while [ "$1" != sh ]; do shift; done; exec "$@"')
    program(programs, "systemctl", "printf 'PrivateDevices=yes\\nRootImage=\\nRootDirectory=no\\n'")
    process = {"user": USER, "unit": "x.service", "pid": os.getpid()}
    access = answer(UnitDeviceAccess, {"/dev": devices}, programs, **process)
    assert [device.path for device in access.devices] == [f"{devices}/kfd"]
    assert access.hidden_devices == ()
    assert access.sandboxing == ("PrivateDevices=yes",)


def test_what_hides_devices_and_chooses_among_gpus_is_seen(tmp_path: Path, programs: Path):
    own, proc = tmp_path / "dev", tmp_path / "proc/7"
    for directory in (own, proc / "root" / own.relative_to("/")):
        directory.mkdir(parents=True)
        (directory / "kfd").touch()
    (proc / "environ").write_bytes(b"HOME=/\0HIP_VISIBLE_DEVICES=0, 1\0HSA_OVERRIDE_GFX_VERSION=x")
    paths = {"/dev": own, "/proc/$": tmp_path / "proc/$"}
    access = answer(UnitDeviceAccess, paths, programs, user=USER, unit="x.service", pid=7)
    assert access.process_groups == (), "the manager starts nothing"
    assert access.hidden_devices == (f"{own}/kfd",)
    assert access.gpu_environment == ("HIP_VISIBLE_DEVICES=0, 1", "HSA_OVERRIDE_GFX_VERSION=x")


def test_what_systemd_run_is_given_has_nothing_that_it_expands():
    assert not re.search(r"\$[{$]", words("device-access")[2])


def test_a_manager_is_seen_with_its_sessions_and_processes(tmp_path: Path, programs: Path):
    program(programs, "loginctl", "case $* in *Sessions*) echo 3;; *Type*) echo tty;; esac")
    manager = tmp_path / "user-1000.slice/user@1000.service"
    (manager / "app.slice/x.service").mkdir(parents=True)
    (manager / "app.slice/x.service/cgroup.procs").write_text(f"{os.getpid()}\n")
    (manager / "cgroup.procs").touch()
    (tmp_path / "1000/systemd/transient").mkdir(parents=True)
    (tmp_path / "1000/systemd/transient/run-u1.timer").touch()
    paths = {"/sys/fs/cgroup/user.slice": tmp_path, "/run/user": tmp_path}
    assert answer(UserManagerActivity, paths, programs, uid=1000) == ManagerActivity(
        (("tty", ""),),
        (("x.service", Path("/proc/self/comm").read_text().strip()), ("run-u1.timer", "")),
    )


def test_nobody_has_no_manager(tmp_path: Path, programs: Path):
    program(programs, "loginctl", "exit 1")
    paths = {"/sys/fs/cgroup": tmp_path}
    assert answer(UserManagerActivity, paths, programs, uid=1000) == ManagerActivity()
