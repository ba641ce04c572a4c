"""What is to be restarted for a generation to serve, and why."""

from dataclasses import replace
from typing import Any

import pytest
from whisper_proxy.idle import idle_status

from tests.generations import generation
from voicemode_whisper.core.generations import EarlierSetup, Generation
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, WYOMING_UNIT
from voicemode_whisper.core.services import (
    Activation,
    ServiceState,
    UnitState,
    is_idle,
    parse_service_state,
    plan_activation,
)

WANTED = generation(2)
PROGRAMS = {SERVER_UNIT: "/b/whisper-server", PROXY_UNIT: "/usr/bin/python3.13"}
UP = UnitState("active", "enabled", pid=7)
SERVER = replace(UP, program=PROGRAMS[SERVER_UNIT], revision=WANTED.server_revision)
PROXY = replace(UP, program=PROGRAMS[PROXY_UNIT], revision=WANTED.proxy_revision)
SOCKET = UnitState("active", "enabled", listen=WANTED.listen)


def state(**changes: Any) -> ServiceState:
    """Services that run the generation, but for what is changed; units by their short names."""
    names = {"server": SERVER_UNIT, "proxy": PROXY_UNIT, "socket": PROXY_SOCKET}
    units = {"server": SERVER, "proxy": PROXY, "socket": SOCKET}
    units |= {name: changes.pop(name) for name in names if name in changes}
    found = ServiceState(programs=PROGRAMS, units={names[name]: units[name] for name in units})
    return replace(found, **changes)


def plan(found: ServiceState, wanted: Generation = WANTED, is_current: bool = True) -> Activation:
    return plan_activation(wanted, is_current, found)


def test_what_runs_is_left_alone():
    assert plan(state()) == Activation((), ())


def test_what_is_not_current_is_switched_to_without_a_restart_of_what_runs_it():
    assert plan(state(), is_current=False) == Activation((), ("generation 2 is not current",))


@pytest.mark.parametrize(
    ("changes", "restarts", "reason"),
    [
        ({"links": ("whisper-proxy",)}, (), "whisper-proxy does not lead into current"),
        ({"differing": (SERVER_UNIT,)}, (), f"{SERVER_UNIT} is another"),
        (
            {"server": replace(SERVER, stale_definition=True)},
            (),
            f"{SERVER_UNIT} is to be reloaded",
        ),
        ({"proxy": replace(PROXY, enabled="disabled")}, (), f"{PROXY_UNIT} is not enabled"),
        ({"socket": replace(SOCKET, enabled="")}, (), f"{PROXY_SOCKET} is not enabled"),
        ({"server": replace(SERVER, active="failed")}, ("server",), "the server is to be"),
        ({"server": replace(SERVER, revision="other")}, ("server",), "the server is to be"),
        ({"server": replace(SERVER, program="/a")}, ("server",), "the server is to be restarted"),
        ({"server": replace(SERVER, program="/b (deleted)")}, ("server",), "the server is to be"),
        ({"proxy": replace(PROXY, revision="")}, ("proxy",), "the proxy is to be restarted"),
        ({"proxy": replace(PROXY, program="/usr/bin/python3.12")}, ("proxy",), "the proxy is to"),
        (
            {"socket": replace(SOCKET, listen="127.0.0.1:1")},
            ("socket", "proxy"),
            "the socket is to be restarted",
        ),
        ({"socket": replace(SOCKET, active="inactive")}, ("socket", "proxy"), "the socket is to"),
    ],
)
def test_what_differs_is_named_and_no_more_than_that_is_restarted(
    changes: dict[str, Any], restarts: tuple[str, ...], reason: str
):
    found = plan(state(**changes))
    assert found.restarts == restarts
    assert any(one.startswith(reason) for one in found.reasons)
    assert len(found.reasons) == max(len(restarts), 1)


def test_on_a_fresh_machine_everything_is_started():
    found = plan(ServiceState(), is_current=False)
    assert found.restarts == ("server", "socket", "proxy")
    assert f"{PROXY_SOCKET} is not enabled" in found.reasons


STOPPED = replace(SERVER, active="inactive", program="", revision="", pid=0)
WHY = replace(PROXY, status=idle_status(900))


@pytest.mark.parametrize("active", ["inactive", "deactivating", "failed"])
def test_a_server_that_is_idle_is_left_alone(active: str):
    found = state(server=replace(STOPPED, active=active), proxy=WHY)
    assert is_idle(found)
    assert plan(found) == Activation((), ())


@pytest.mark.parametrize(
    "proxy",
    [PROXY, replace(PROXY, status="serving"), replace(WHY, active="inactive")],
    ids=["no status", "another status", "a proxy that has ended"],
)
def test_a_server_that_is_stopped_otherwise_is_started(proxy: UnitState):
    found = state(server=STOPPED, proxy=proxy)
    assert not is_idle(found)
    assert "server" in plan(found).restarts


def test_a_server_that_runs_another_is_restarted_whatever_the_proxy_says():
    found = state(server=replace(SERVER, revision="other"), proxy=WHY)
    assert plan(found).restarts == ("server",)


def test_a_switch_restarts_one_that_was_idle_only_if_a_request_has_started_it_meanwhile():
    found = state(server=STOPPED, proxy=WHY)
    switch = Activation(("server-if-running",), ("generation 2 is not current",))
    assert plan(found, is_current=False) == switch
    moved = state(server=STOPPED, proxy=replace(WHY, revision="other"))
    assert plan(moved, is_current=False).restarts == ("server-if-running", "proxy")


EARLIER = EarlierSetup(
    server="127.0.0.1:2022", listen="127.0.0.1:2023", socket=True, server_revision="a",
    proxy_revision="b",
)  # fmt: skip


def test_an_adopted_one_that_runs_is_left_alone():
    adopted = Generation.of(EARLIER.manifest("", transcribes=True))
    found = state(
        server=replace(SERVER, revision="a"),
        proxy=replace(PROXY, revision="b"),
        socket=replace(SOCKET, listen="127.0.0.1:2023"),
    )
    assert plan(found, adopted) == Activation((), ())


def test_one_that_was_set_up_by_hand_has_neither_revisions_nor_a_socket():
    by_hand = replace(EARLIER, socket=False, server_revision="", proxy_revision="")
    adopted = Generation.of(by_hand.manifest("", transcribes=True))
    found = state(
        server=replace(SERVER, revision=""),
        proxy=replace(PROXY, revision=""),
        socket=UnitState(),
    )
    assert plan(found, adopted) == Activation((), ())
    # After a rollback the processes of what was rolled back from have revisions.
    assert plan(state(), adopted).restarts == ("server", "proxy")


def test_what_the_host_prints_is_read():
    found = parse_service_state(
        [
            "link whisper-proxy",
            "runs voicemode-whisper.service /b/whisper-server",
            "runs voicemode-whisper-proxy.service ",
            "differs voicemode-whisper.service",
            "unit voicemode-whisper.service",
            "ActiveState=active",
            "MainPID=7",
            "program=/b/whisper-server",
            "SERVICE_REVISION=88b3c63de6be",
            "differs voicemode-whisper-proxy.socket",
            "unit voicemode-whisper-proxy.socket",
            "ActiveState=active",
            "Listen=127.0.0.1:2023 (Stream)",
        ]
    )
    assert found.links == ("whisper-proxy",)
    assert found.differing == (SERVER_UNIT, PROXY_SOCKET)
    assert found.programs == {SERVER_UNIT: "/b/whisper-server", PROXY_UNIT: ""}
    assert found.units[SERVER_UNIT].pid == 7
    assert found.units[SERVER_UNIT].revision == "88b3c63de6be"
    assert found.units[PROXY_SOCKET].listen == "127.0.0.1:2023"


def test_home_assistant_s_service_runs_where_the_generation_has_it():
    made = {"server": WANTED.server_revision, "proxy": WANTED.proxy_revision, "wyoming": "w"}
    wanted = generation(2, wyoming="127.0.0.1:10300", revisions=made)
    assert plan(state()).restarts == ()
    missing = plan(state(), wanted)
    assert missing.restarts == ("wyoming",)
    assert f"{WYOMING_UNIT} is not enabled" in missing.reasons
    there = state()
    program = {**PROGRAMS, WYOMING_UNIT: "/usr/bin/python3.13"}
    unit = replace(UP, program="/usr/bin/python3.13", revision="w")
    there = replace(there, programs=program, units={**there.units, WYOMING_UNIT: unit})
    assert plan(there, wanted) == Activation((), ())
