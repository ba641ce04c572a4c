"""What kind of machine a deploy accepts."""

import pytest

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.machine import (
    check_platform,
    check_user,
    parse_identity,
    parse_os_release,
)

CACHYOS = {"ID": "cachyos", "ID_LIKE": "arch", "PRETTY_NAME": "CachyOS"}


IDENTITY = [
    "### identity", "user=ada", "uid=1000", "home=/home/a=b", "architecture=x86_64", "init=systemd",
]  # fmt: skip


def test_an_identity_is_read():
    assert parse_identity([*IDENTITY, "ID=arch"]) == {
        "user": "ada",
        "uid": 1000,
        "home": "/home/a=b",
        "architecture": "x86_64",
        "init": "systemd",
        "os_release": {"ID": "arch"},
    }
    assert parse_identity(IDENTITY)["os_release"] == {}


@pytest.mark.parametrize("greeting", [["", "\x1b[1mHi"], ["\x1b[1mHi", "", "there"]])
def test_what_a_shell_prints_first_is_refused(greeting):
    with pytest.raises(UserError, match=r"the login shell prints '\\x1b\[1mHi' before") as error:
        parse_identity([*greeting, *IDENTITY])
    assert "in ~/.bashrc, move what prints below `[[ $- == *i* ]] || return`" in str(error.value)


def test_so_is_an_empty_line():
    with pytest.raises(UserError, match="the login shell prints '' before"):
        parse_identity(["", *IDENTITY])


@pytest.mark.parametrize("lines", [[], IDENTITY[1:], IDENTITY[:3], [IDENTITY[0], "rubbish"]])
def test_another_identity_is_not_read(lines):
    with pytest.raises((ValueError, KeyError)):
        parse_identity(lines)


def test_os_release_is_read_like_a_shell_would():
    lines = ["# x", "ID=cachyos", 'PRETTY_NAME="Cachy OS"', "ID_LIKE='arch'", "", "junk"]
    assert parse_os_release(lines) == {
        "ID": "cachyos",
        "PRETTY_NAME": "Cachy OS",
        "ID_LIKE": "arch",
    }


@pytest.mark.parametrize("system", [CACHYOS, {"ID": "arch"}, {"ID": "x", "ID_LIKE": "a arch"}])
def test_arch_and_what_is_made_from_it_is_accepted(system):
    check_platform(system, "x86_64", "systemd")


@pytest.mark.parametrize(
    ("system", "architecture", "init", "named"),
    [
        ({"ID": "debian", "PRETTY_NAME": "Debian 12"}, "x86_64", "systemd", "Debian 12"),
        ({}, "x86_64", "systemd", "an unknown system"),
        (CACHYOS, "aarch64", "systemd", "aarch64"),
        (CACHYOS, "x86_64", "runit", "runit"),
    ],
)
def test_anything_else_is_refused_by_its_name(system, architecture, init, named):
    with pytest.raises(UserError, match=f"host: this is .*{named}"):
        check_platform(system, architecture, init)


def test_root_is_refused():
    check_user("ada")
    with pytest.raises(UserError, match="connected as root"):
        check_user("root")


def test_a_name_that_systemd_takes_for_a_number_is_refused():
    with pytest.raises(UserError, match="user: '1234' is a number, which loginctl takes"):
        check_user("1234")
    for name in ("ada.b", "ada@corp", "CORP\\ada", "jürgen", "ada p", "a1"):
        check_user(name)


def test_a_slash_at_the_end_of_a_home_is_none_of_its_name():
    lines = [line.replace("/home/a=b", "/home/ada//") for line in IDENTITY]
    assert parse_identity(lines)["home"] == "/home/ada"
    assert parse_identity([line.replace("/home/a=b", "/") for line in IDENTITY])["home"] == "/"
