"""When a service manager may be restarted, and whom a device opens to."""

import pytest

from core.access import (
    Device,
    Rights,
    Use,
    closed,
    opens_to,
    parse_rights,
    parse_use,
    why_not_restart,
)

GROUPS = ["render", "video"]
# As getfacl shows a device that its group may use, and one that ada may use too.
ACL = ("# file: dev/kfd", "# owner: root", "# group: render", "user::rw-", "group::rw-")
SHUT = (*ACL, "other::---")
OPEN = (*ACL, "other::rw-")
GRANTED = (*ACL[:4], "user:ada:rw-", "group::rw-", "mask::rw-", "other::---")
CUT = (*ACL[:4], "user:ada:rw-\t#effective:r--", "group::r--", "mask::r--", "other::---")

IDLE = (("init.scope", "systemd"), ("init.scope", "(sd-pam)"))
BROKER = (("dbus-broker.service", "dbus-broker-lau"), ("dbus-broker.service", "dbus-broker"))
SSH = ("tty", "")
PIPEWIRE = ("pipewire.service", "pipewire")
WHISPER = ("voicemode-whisper.service", "whisper-server")


@pytest.mark.parametrize(
    ("sessions", "units", "reason"),
    [
        ([], IDLE, ""),
        ([SSH, SSH], IDLE, ""),
        ([("unspecified", "")], [*IDLE, ("dbus.service", "dbus-daemon")], ""),
        ([SSH], [*IDLE, *BROKER], ""),
        ([SSH], [*IDLE, ("dbus.service", "gvfsd")], "dbus.service runs there"),
        ([("tty", "seat0")], IDLE, "ada is logged in at seat0"),
        ([SSH, ("wayland", "seat0")], IDLE, "ada is logged in at seat0"),
        ([("x11", "")], IDLE, "ada is logged in at a desktop"),
        ([("mir", "")], IDLE, "ada is logged in at a desktop"),
        ([SSH], [*IDLE, PIPEWIRE], "pipewire.service runs there"),
        ([SSH], [*IDLE, PIPEWIRE, PIPEWIRE, WHISPER], "pipewire.service and 1 more run there"),
        ([SSH], [*IDLE, WHISPER], "voicemode-whisper.service runs there"),
        ([SSH], [*IDLE, ("gpg-agent.service", "gpg-agent")], "gpg-agent.service runs there"),
        ([SSH], [*IDLE, ("run-u1.timer", "")], "run-u1.timer runs there"),
        ([SSH], [], "what runs there cannot be seen"),
    ],
)  # fmt: skip
def test_a_manager_is_restarted_only_where_nothing_is_lost(sessions, units, reason):
    assert why_not_restart("ada", Use(tuple(sessions), tuple(units))) == reason


def test_what_is_read_of_a_manager_in_use():
    lines = [
        "session wayland seat0",
        "session tty ",
        "session  ",
        "process init.scope (sd-pam)",
        r"process app.slice/app-gpu\x2dview.slice/app-gpu-1.scope Web Content",
        "process app.slice/box.service/payload sleep",
        "process app.slice/ended.service ",
        "transient run-u1.timer",
    ]
    assert parse_use(lines) == Use(
        (("wayland", "seat0"), ("tty", ""), ("", "")),
        (
            ("init.scope", "(sd-pam)"),
            ("app-gpu-1.scope", "Web Content"),
            ("box.service", "sleep"),
            ("ended.service", ""),
            ("run-u1.timer", ""),
        ),
    )


def test_what_is_read_of_groups_and_devices():
    lines = ["manager", "group ada", "group ", "device /dev/kfd", *SHUT, ""]
    lines += ["device /dev/dri/renderD128", "usable", *OPEN]
    rights = parse_rights(lines)
    assert rights.groups == ("ada",), "a group without a name is none"
    assert [(device.path, device.usable) for device in rights.devices] == [
        ("/dev/kfd", False),
        ("/dev/dri/renderD128", True),
    ]
    assert opens_to(rights.devices[1], "ada", [])


def test_no_manager_is_not_one_without_groups():
    assert parse_rights([]) == Rights(None, ())
    assert parse_rights(["manager"]) == Rights((), ())


@pytest.mark.parametrize(
    ("acl", "groups", "opens"),
    [
        (SHUT, ["ada"], False),
        (SHUT, ["ada", "render"], True),
        (SHUT, ["video"], False),
        (OPEN, ["ada"], True),
        (GRANTED, ["ada"], True),
        (CUT, ["ada", "render"], False),
        ((*SHUT, "group:video:rw-"), ["video"], True),
        ((*ACL[:4], "user:adam:rw-", "other::r--"), ["ada"], False),
        ((), ["render"], False),
    ],
)
def test_a_device_opens_to_its_group_to_all_or_to_a_user(acl, groups, opens):
    assert opens_to(Device("/dev/kfd", False, acl), "ada", groups) is opens


@pytest.mark.parametrize(
    ("usable", "acl", "held", "shut"),
    [
        (True, SHUT, GROUPS, False),
        (True, SHUT, ["ada"], True),
        (False, SHUT, GROUPS, True),
        (True, OPEN, ["ada"], False),
        (True, GRANTED, ["ada"], False),
        # Nothing is given that the groups do not give.
        (False, (*ACL[:2], "# group: root", "group::rw-"), ["ada"], False),
        (False, (*ACL[:3], "group::---"), ["ada"], False),
    ],
)
def test_a_device_is_closed_while_shell_or_manager_cannot_use_it(usable, acl, held, shut):
    devices = [Device("/dev/kfd", usable, acl)]
    assert closed(devices, "ada", GROUPS, held) == (["/dev/kfd"] if shut else [])
