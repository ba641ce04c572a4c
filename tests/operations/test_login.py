"""What an operator is told of groups that do not count yet."""

import pytest
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeFact, FakeState, create_host

from core.access import Device, Rights, Use
from operations import login

ACL = ("# group: render", "user::rw-", "group::rw-", "other::---")
SHUT = Device("/dev/kfd", False, ACL)
GRANTED = Device("/dev/kfd", True, (*ACL, "user:ada:rw-"))
IDLE = (("init.scope", "systemd"),)
BUSY = (*IDLE, ("pipewire.service", "pipewire"))

STALE = ("ada",)
JOINED = ("ada", "render", "video")


def told(groups: tuple[str, ...], units: tuple[tuple[str, str], ...], after: Device) -> list[str]:
    """What is said where the device was shut before setfacl, and is `after` it."""

    def rights(device: Device) -> FakeFact:
        return FakeFact({"uid=1000": Rights(groups, (device,))})

    state, said = FakeState(), []
    state.is_executing = True
    host = create_host(state, facts={"access.ManagerUse": {"uid=1000": Use((), units)}})
    host.fact["access.InEffect"] = rights(SHUT)
    host.log_styled = lambda line, **_: said.append(line)
    commands = login.take_effect._inner(user="ada", uid=1000, groups=["render", "video"])
    with ctx_state.use(state), ctx_host.use(host):
        for command in commands:
            if "setfacl" in command.get_raw_value():
                host.fact["access.InEffect"] = rights(after)
    return said


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
