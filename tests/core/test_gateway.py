"""Which setup of a pool serves on a gateway, and what it takes for another to do so."""

from dataclasses import replace

import pytest

from voicemode_whisper.core.gateway import PoolSetup, PoolState, parse_pool_state, plan_pool
from voicemode_whisper.core.layout import BALANCER_UNIT, POOL_SOCKET, POOL_UNIT, POOL_UNITS
from voicemode_whisper.core.services import UnitState

PROGRAM = "/usr/bin/python3.13"
SETUP = PoolSetup("setup-b", "0.0.0.0:2024", "cfg-b", "env-b", {})
RUNS = PoolState(
    current="setup-b",
    setups={"setup-b": ("proxy-2", "venv-1"), "setup-a": ("proxy-1", "venv-1")},
    parts=("proxy-1", "proxy-2", "venv-1"),
    program=PROGRAM,
    loaded="cfg-b",
    units={
        BALANCER_UNIT: UnitState("active", "enabled"),
        POOL_UNIT: UnitState("active", "enabled", program=PROGRAM, revision="env-b"),
        POOL_SOCKET: UnitState("active", "enabled", listen="0.0.0.0:2024"),
    },
)


def unit(name: str, **changes: object) -> PoolState:
    return replace(RUNS, units={**RUNS.units, name: replace(RUNS.units[name], **changes)})


def test_one_that_runs_is_left_alone():
    assert plan_pool(SETUP, RUNS) == ((), ())


@pytest.mark.parametrize(
    ("state", "restarts"),
    [
        (PoolState(), ("balancer", "socket", "proxy")),
        (replace(RUNS, current="setup-a", loaded="cfg-a"), ("balancer",)),
        (replace(RUNS, current="setup-a"), ()),
        (replace(RUNS, loaded=""), ("balancer",)),
        (unit(BALANCER_UNIT, active="failed"), ("balancer",)),
        (unit(POOL_UNIT, revision="env-a"), ("proxy",)),
        (unit(POOL_UNIT, program="/usr/bin/python3.12"), ("proxy",)),
        (unit(POOL_UNIT, active="inactive", revision="", program=""), ("proxy",)),
        (unit(POOL_SOCKET, listen="127.0.0.1:2024"), ("socket", "proxy")),
        (unit(POOL_SOCKET, active="inactive", listen=""), ("socket", "proxy")),
        (replace(RUNS, differing=(POOL_UNIT,)), ()),
        (unit(POOL_SOCKET, enabled="disabled"), ()),
        (unit(POOL_UNIT, stale_definition=True), ()),
    ],
)
def test_what_does_not_run_it_is_restarted_and_no_more(state: PoolState, restarts: tuple[str, ...]):
    needed, reasons = plan_pool(SETUP, state)
    assert needed == restarts
    assert reasons


def test_the_setup_before_is_the_newest_other():
    assert RUNS.before == "setup-a"
    assert replace(RUNS, setups={"setup-b": ()}).before == ""


def test_what_neither_of_the_two_needs_is_left_over():
    assert RUNS.surplus == []
    setups = {**RUNS.setups, "setup-0": ("proxy-0", "venv-0")}
    parts = ("proxy-0", *RUNS.parts, "venv-0", "venv-2.partial")
    state = replace(RUNS, setups=setups, parts=parts)
    assert set(state.surplus) == {"setup-0", "proxy-0", "venv-0", "venv-2.partial"}


def test_what_a_gateway_prints_is_read():
    lines = [
        "current setup-b",
        "setup setup-b proxy-2 venv-1",
        "setup setup-a proxy-1 venv-1",
        "part proxy-1",
        f"differs {POOL_SOCKET}",
        f"program {PROGRAM}",
        "loaded cfg-b",
        f"unit {BALANCER_UNIT}",
        "ActiveState=active",
        "UnitFileState=enabled",
        f"unit {POOL_UNIT}",
        f"unit {POOL_SOCKET}",
        "Listen=0.0.0.0:2024 (Stream)",
    ]
    state = parse_pool_state(lines)
    assert state.current == "setup-b"
    assert list(state.setups.items()) == [
        ("setup-b", ("proxy-2", "venv-1")),
        ("setup-a", ("proxy-1", "venv-1")),
    ]
    assert state.parts == ("proxy-1",)
    assert (state.differing, state.program, state.loaded) == ((POOL_SOCKET,), PROGRAM, "cfg-b")
    assert state.unit(BALANCER_UNIT).enabled == "enabled"
    assert state.unit(POOL_SOCKET).listen == "0.0.0.0:2024"
    assert set(state.units) == set(POOL_UNITS)


def test_a_machine_without_a_pool_has_none():
    assert parse_pool_state([]) == PoolState()
