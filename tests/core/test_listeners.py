"""Who listens, whether it is in the way, and what an operator is told."""

from dataclasses import replace
from itertools import takewhile

import pytest

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from voicemode_whisper.core.listeners import (
    Listener,
    check_ports,
    conflicts,
    free_port,
    option,
    parse_listeners,
    strangers,
)

OF_ADA = "/user.slice/user-1000.slice/user@1000.service"
ADAS = Listener("127.0.0.1", 2022, 7, "whisper-server", 1000, "ada", SERVER_UNIT, 1000)
WANTED = {"whisper_port": ("127.0.0.1", 2022), "proxy_port": ("127.0.0.1", 2023)}


def test_what_the_host_prints_is_read():
    found = parse_listeners(
        [
            "socket 127.0.0.53%lo:53",
            "socket [::1]:631",
            "socket 127.0.0.1:2022",
            "process 7 1000 whisper-server",
            "user ada",
            f"cgroup {OF_ADA}/app.slice/{SERVER_UNIT}",
            "socket 127.0.0.1:2023",
            "process 8 1000 python",
            "user ada",
            f"cgroup {OF_ADA}/app.slice/{PROXY_UNIT}",
            "process 9 1000 systemd",
            "user ada",
            f"cgroup {OF_ADA}/init.scope",
            "asked [::1]:2023 other.socket",
            f"asked 127.0.0.1:2023 {PROXY_SOCKET}",
            "asked 127.0.0.2:2023 third.socket",
        ]
    )
    assert found == (
        Listener("127.0.0.53", 53),
        Listener("::1", 631),
        ADAS,
        replace(ADAS, port=2023, pid=8, program="python", unit=PROXY_UNIT),
        replace(ADAS, port=2023, pid=9, program="systemd", unit=PROXY_SOCKET),
    )


@pytest.mark.parametrize(
    ("cgroup", "unit", "manager"),
    [
        ("/system.slice/nginx.service", "nginx.service", None),
        ("/user.slice/user-1000.slice/session-4.scope", "session-4.scope", None),
        (f"{OF_ADA}/user.slice/libpod-1.scope/container", "libpod-1.scope", 1000),
        (f"{OF_ADA}/app.slice/{SERVER_UNIT}/payload", SERVER_UNIT, 1000),
        ("/", "", None),
    ],
)
def test_a_process_belongs_to_a_unit_of_a_manager(cgroup: str, unit: str, manager: int | None):
    (found,) = parse_listeners(["socket *:1", "process 7 1000 x", "user ada", f"cgroup {cgroup}"])
    assert (found.unit, found.manager) == (unit, manager)


@pytest.mark.parametrize(
    ("theirs", "ours", "in_the_way"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False),
        ("0.0.0.0", "127.0.0.1", True),
        ("*", "127.0.0.1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::", "127.0.0.1", False),
        ("::1", "127.0.0.1", False),
        ("192.168.1.5", "127.0.0.1", False),
        ("127.0.0.1", "0.0.0.0", True),
        ("::1", "0.0.0.0", False),
        ("*", "::1", True),
        ("::1", "::1", True),
        ("127.0.0.1", "::", True),
        ("::1", "::", True),
    ],
)
def test_only_what_takes_the_same_connections_is_in_the_way(
    theirs: str, ours: str, in_the_way: bool
):
    assert conflicts(Listener(theirs, 2022), ours, 2022) is in_the_way
    assert not conflicts(Listener(theirs, 2021), ours, 2022)


@pytest.mark.parametrize(
    ("listener", "ours"),
    [
        (ADAS, True),
        (replace(ADAS, unit=PROXY_SOCKET, program="systemd"), True),
        (replace(ADAS, unit="whisper.service"), False),
        (replace(ADAS, uid=1001, manager=1001), False),
        (replace(ADAS, manager=None), False),  # a unit of the system's with the name of ours
        (replace(ADAS, uid=1001), False),
        (Listener("127.0.0.1", 2022), False),
    ],
)
def test_only_the_user_s_own_services_are_no_strangers(listener: Listener, ours: bool):
    assert (strangers([listener], "127.0.0.1", 2022, 1000) == []) is ours


@pytest.mark.parametrize(
    ("listener", "name"),
    [
        (ADAS, f"whisper-server in {SERVER_UNIT} (ada)"),
        (replace(ADAS, unit="session-4.scope", manager=None),
         "whisper-server in session-4.scope (ada)"),
        (Listener("*", 1, 1, "nginx", 33, "http", "nginx.service"),
         "nginx in nginx.service (system, http)"),
        (Listener("*", 1, 1, "systemd", 0, "root", "x.socket"),
         "systemd for x.socket (system, root)"),
        (Listener("*", 1), "a program that cannot be seen"),
    ],
)  # fmt: skip
def test_a_listener_is_named_by_program_unit_and_user(listener: Listener, name: str):
    assert str(listener) == name


def refusal(*listeners: Listener, uid: int = 1001) -> str:
    with pytest.raises(UserError) as refused:
        check_ports(listeners, WANTED, uid)
    return str(refused.value)


def test_free_ports_are_no_matter():
    check_ports([ADAS], WANTED, 1000)
    check_ports([replace(ADAS, address="127.0.0.2", uid=0)], WANTED, 1000)


def test_another_user_s_services_are_named_with_free_ports():
    """2032 is taken too; two people's ports do not meet."""
    proxy = replace(ADAS, port=2023, unit=PROXY_SOCKET, program="systemd")
    assert refusal(ADAS, proxy, Listener("0.0.0.0", 2032)) == (
        "whisper_port: 2022 is taken by whisper-server in voicemode-whisper.service (ada); "
        "proxy_port: 2023 is taken by systemd for voicemode-whisper-proxy.socket (ada); take what "
        "is free: .venv/bin/pyinfra inventory.py deploy.py --data whisper_port=2042 --data "
        "proxy_port=2033"
    )


def test_one_s_own_program_may_be_ended():
    own = replace(ADAS, unit="whisper.service")
    assert refusal(own, own, uid=1000) == (
        "whisper_port: 2022 is taken by whisper-server in whisper.service (ada); end that, or take "
        "what is free: .venv/bin/pyinfra inventory.py deploy.py --data whisper_port=2032"
    )


def test_a_port_is_found_near_the_end_too():
    assert free_port(65530, {65535}) == 65534
    assert list(takewhile(lambda port: port < 2023, [free_port(2022, set())])) == []


@pytest.mark.parametrize(
    ("name", "address", "words"),
    [
        ("proxy_port", "0.0.0.0", "--data proxy_port=2033"),
        ("wyoming", "0.0.0.0", "--data wyoming=0.0.0.0:2033"),
        ("wyoming", "::", "--data wyoming=[::]:2033"),
    ],
)
def test_a_free_port_is_offered_as_the_setting_takes_it(name: str, address: str, words: str):
    assert option(name, address, 2033) == words
