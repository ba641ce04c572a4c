"""Whom a device opens to, and when a service manager may be restarted."""

from dataclasses import replace

import pytest

from voicemode_whisper.core.device_access import (
    Device,
    DeviceAccess,
    ManagerActivity,
    devices_to_grant,
    groups_with_access,
    may_open,
    parse_device_access,
    parse_manager_activity,
    restart_blocker,
)

GROUPS = ["render", "video"]
# As getfacl shows what the owning group may use.
ACL = ("user::rw-", "group::rw-", "other::---")
# A device of root's alone, but for an entry in its ACL.
BY_ACL = ("user::rw-", "group::rw-", "group:render:rw-", "mask::rw-", "other::---")
GRANTED = ("user::rw-", "user:ada:rw-", "group::rw-", "mask::rw-", "other::---")
OPEN = ("user::rw-", "group::rw-", "other::rw-")

IDLE = (("init.scope", "systemd"), ("init.scope", "(sd-pam)"))
BROKER = (("dbus-broker.service", "dbus-broker-lau"), ("dbus-broker.service", "dbus-broker"))
SSH = ("tty", "")
PIPEWIRE = ("pipewire.service", "pipewire")
WHISPER = ("voicemode-whisper.service", "whisper-server")


def device(*acl: str, mode: str = "crw-rw----", group: str = "render") -> Device:
    return Device("/dev/kfd", mode, "root", group, acl)


@pytest.mark.parametrize(
    ("sessions", "units", "reason"),
    [
        ([], IDLE, None),
        ([SSH, SSH], IDLE, None),
        ([("unspecified", "")], [*IDLE, ("dbus.service", "dbus-daemon")], None),
        ([SSH], [*IDLE, *BROKER], None),
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
    assert restart_blocker("ada", ManagerActivity(tuple(sessions), tuple(units))) == reason


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
    assert parse_manager_activity(lines) == ManagerActivity(
        (("wayland", "seat0"), ("tty", ""), ("", "")),
        (
            ("init.scope", "(sd-pam)"),
            ("app-gpu-1.scope", "Web Content"),
            ("box.service", "sleep"),
            ("ended.service", ""),
            ("run-u1.timer", ""),
        ),
    )


def test_a_manager_that_says_something_else_is_not_read():
    with pytest.raises(ValueError, match="Welcome"):
        parse_manager_activity(["Welcome back"])


READ = [
    "device /dev/kfd", "mode crw-rw----", "owner root", "group render",
    "acl user::rw-", "acl user:ada:rw-\t#effective:r--", "acl group::rw-", "acl mask::r--",
    "acl other::---", "accessible no",
    "missing /dev/dri/renderD*",
    "process-group ada", "process-group domain users", "account-group ada", "account-group render",
    "manager", "manager-group ada", "manager-group ",
    "not-loaded amdgpu", "not-installed modules",
    "hidden /dev/kfd", "environment HIP_VISIBLE_DEVICES=0", "sandboxing PrivateDevices=yes",
]  # fmt: skip


def test_what_is_read_of_a_process():
    entries = ("user::rw-", "user:ada:rw-\t#effective:r--", "group::rw-", "mask::r--", "other::---")
    assert parse_device_access(READ, "this connection") == DeviceAccess(
        devices=(Device("/dev/kfd", "crw-rw----", "root", "render", entries, accessible=False),),
        missing_devices=("/dev/dri/renderD*",),
        process_groups=("ada", "domain users"),
        account_groups=("ada", "render"),
        manager_groups=("ada",),
        driver_loaded=False,
        modules_installed=False,
        hidden_devices=("/dev/kfd",),
        gpu_environment=("HIP_VISIBLE_DEVICES=0",),
        sandboxing=("PrivateDevices=yes",),
        process="this connection",
    )


def test_no_manager_is_not_one_without_groups():
    assert parse_device_access([]).manager_groups is None
    assert parse_device_access(["manager"]).manager_groups == ()


@pytest.mark.parametrize(
    "lines",
    [["Welcome back"], ["mode crw-rw----"], ["device /dev/kfd"], [*READ[:4], "acl rubbish"]],
)
def test_anything_else_is_not_read(lines):
    with pytest.raises((ValueError, LookupError)):
        parse_device_access(lines)


@pytest.mark.parametrize(
    ("opened", "groups", "opens"),
    [
        # The owning group, by its mode or by its entry.
        (device(), ["ada"], False),
        (device(), ["ada", "render"], True),
        (device(*ACL), ["ada", "render"], True),
        (device(*ACL), ["video"], False),
        (device(mode="crw-r-----"), ["render"], False),
        # Another group, by its entry.
        (device(*BY_ACL, group="root"), ["ada", "render"], True),
        (device(*BY_ACL, group="root"), ["ada"], False),
        (device(*BY_ACL, "group:video:rw-"), ["video"], True),
        (device(*ACL, r"group:domain\040users:rw-"), ["domain users"], True),
        (device(*ACL, r"group:CORP\\x\134y:rw-"), ["CORP\\x\\y"], True),
        # The mask limits groups and named users, but neither the owner nor the others.
        (device("user::rw-", "group::rw-", "mask::r--", "other::---"), ["render"], False),
        (device(*BY_ACL[:3], "mask::r--", "other::---", group="root"), ["render"], False),
        (device(*GRANTED[:3], "mask::r--", "other::---"), ["ada"], False),
        (device("user::rw-", "group::---", "mask::---", "other::rw-"), ["ada"], True),
        # An entry of the user's own decides before those of groups.
        (device(*GRANTED), ["ada"], True),
        (device("user::rw-", "user:ada:r--", *GRANTED[2:]), ["render"], False),
        (device("user::rw-", "user:adam:rw-", *GRANTED[2:]), ["ada"], False),
        # Others are those in no group that is named.
        (device(*OPEN), ["ada"], True),
        (device(mode="crw-rw-rw-"), ["ada"], True),
        (device(mode="crw----rw-"), ["render"], False),
        (device("user::rw-", "group::---", "other::rw-"), ["render"], False),
    ],
)  # fmt: skip
def test_a_device_opens_as_its_owner_mode_and_acl_say(opened, groups, opens):
    assert may_open(opened, "ada", groups) is opens


def test_the_owner_is_asked_for_first():
    own = replace(device("user::rw-", "user:ada:---", *GRANTED[2:]), owner="ada")
    assert may_open(own, "ada", [])
    assert not may_open(replace(own, acl=("user::r--", *OPEN[1:])), "ada", ["render"])


@pytest.mark.parametrize(
    ("opened", "groups"),
    [
        (device(), ["render"]),
        (device(*BY_ACL, group="root"), ["render"]),
        (device(*BY_ACL[:3], "group:video:rw-", *BY_ACL[3:]), ["render", "video"]),
        (device(*BY_ACL[:3], "mask::r--", "other::---"), []),
        (device(group="root"), []),
        (device(mode="crw-------"), []),
    ],
)
def test_the_groups_that_a_device_opens_to(opened, groups):
    assert groups_with_access(opened) == groups


@pytest.mark.parametrize(
    ("accessible", "opened", "manager_groups", "granted"),
    [
        (True, device(*ACL), GROUPS, False),
        (True, device(*ACL), ["ada"], True),
        (False, device(*ACL), GROUPS, True),
        (True, device(*OPEN), ["ada"], False),
        (True, device(*GRANTED), ["ada"], False),
        (False, device(*BY_ACL, group="root"), ["ada"], True),
        # Nothing is granted that the groups do not give.
        (False, device(*ACL, group="root"), ["ada"], False),
        (False, device("user::rw-", "group::---", "other::---"), ["ada"], False),
    ],
)
def test_a_device_is_granted_while_shell_or_manager_cannot_use_it(
    accessible, opened, manager_groups, granted
):
    access = DeviceAccess((replace(opened, accessible=accessible),))
    paths = devices_to_grant(access, "ada", GROUPS, manager_groups)
    assert paths == (["/dev/kfd"] if granted else [])


def test_without_the_driver_nothing_is_granted():
    node = replace(device(), path="/dev/dri/renderD128")
    assert devices_to_grant(DeviceAccess((node,), ("/dev/kfd",)), "ada", GROUPS, []) == []
