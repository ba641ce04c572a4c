"""What an operator is told of groups that do not count yet."""

from dataclasses import replace

import pytest
from pyinfra_testing.util import FakeFact

from tests.fake_hosts import FakeHost
from voicemode_whisper.core.device_access import Device, DeviceAccess, ManagerActivity
from voicemode_whisper.operations import login

SHUT = Device("/dev/kfd", "crw-rw----", "root", "render")
ACL = ("user::rw-", "user:ada:rw-", "group::rw-", "mask::rw-", "other::---")
GRANTED = replace(SHUT, acl=ACL, accessible=True)
IDLE = (("init.scope", "systemd"),)
BUSY = (*IDLE, ("pipewire.service", "pipewire"))

STALE = ("ada",)
JOINED = ("ada", "render", "video")


def told(groups: tuple[str, ...], units: tuple[tuple[str, str], ...], after: Device) -> list[str]:
    """What is said where the device was shut before setfacl, and is `after` it."""

    def access(device: Device) -> FakeFact:
        return FakeFact({"user=ada": DeviceAccess((device,), manager_groups=groups)})

    activity = {"uid=1000": ManagerActivity((), units)}
    fake = FakeHost({"device_access.UserManagerActivity": activity})
    fake.host.fact["device_access.ConnectionDeviceAccess"] = access(SHUT)
    commands = login.take_effect._inner(user="ada", uid=1000, groups=["render", "video"])
    with fake.worked_on():
        for command in commands:
            if "setfacl" in command.get_raw_value():
                fake.host.fact["device_access.ConnectionDeviceAccess"] = access(after)
    return fake.said


@pytest.mark.parametrize(
    ("groups", "units", "after", "line"),
    [
        (
            STALE, BUSY, GRANTED,
            "ada's service manager lacks render and video and was not restarted, as "
            "pipewire.service runs there; until the next boot ada may use /dev/kfd all the same; "
            "a reboot makes that permanent",
        ),
        (
            STALE, BUSY, SHUT,
            "ada's service manager lacks render and video and was not restarted, as "
            "pipewire.service runs there; setfacl could not open /dev/kfd to ada; reboot, then run "
            "again",
        ),
        (
            STALE, IDLE, GRANTED,
            "this connection is from before ada joined render and video; until the next boot ada "
            "may use /dev/kfd all the same; a reboot makes that permanent",
        ),
        (
            JOINED, IDLE, SHUT,
            "this connection is from before ada joined render and video; setfacl could not open "
            "/dev/kfd to ada; reboot, then run again",
        ),
    ],
)  # fmt: skip
def test_the_operator_is_told_once_why_and_what_to_do(groups, units, after, line):
    assert told(groups, units, after) == [line]
