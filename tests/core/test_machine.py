"""What kind of machine a deploy accepts."""

import pytest

from core.machine import GIB, check_platform, check_space, check_user, parse_os_release
from core.refusal import Refusal

CACHYOS = {"ID": "cachyos", "ID_LIKE": "arch", "PRETTY_NAME": "CachyOS"}


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
    with pytest.raises(Refusal, match=f"host: this is .*{named}"):
        check_platform(system, architecture, init)


def test_root_is_refused():
    check_user("ada")
    with pytest.raises(Refusal, match="connected as root"):
        check_user("root")


def test_too_little_disk_is_refused_with_both_figures():
    check_space("/home", 2 * GIB, 2 * GIB)
    with pytest.raises(Refusal, match=r"disk: /home has 0\.5 GiB free; needed are 2\.0 GiB"):
        check_space("/home", GIB // 2, 2 * GIB)
