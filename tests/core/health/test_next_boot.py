"""Whether the services serve again after a boot."""

from collections.abc import Mapping

import pytest

from tests.generations import generation
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.generations import Generations
from voicemode_whisper.core.health.services import next_boot
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, UNITS, WYOMING_UNIT
from voicemode_whisper.core.services import ServiceState, UnitState
from voicemode_whisper.core.serving import Serving

WELL = Serving(starts=UNITS)
WHOLE = Generations((generation(1),), 1)
RUNNING = {unit: UnitState("active", "enabled") for unit in UNITS}


def services(
    changes: Mapping[str, UnitState] | None = None, differing: tuple[str, ...] = ()
) -> ServiceState:
    return ServiceState(units=RUNNING | (changes or {}), differing=differing)


@pytest.mark.parametrize("serving", [WELL, Serving(starts=None)])
def test_what_is_well_starts_again(serving: Serving):
    row = next_boot(serving, WHOLE, services(), True, "ada")
    assert (row.name, row.found, row.fix) == ("next boot", "what serves starts again", "")


def test_a_home_that_is_mounted_at_login_starts_them_then():
    row = next_boot(WELL, WHOLE, services(), False, "ada", at_login=True)
    assert (row.found, row.fix) == ("what serves starts again, at login", "")


@pytest.mark.parametrize(
    ("serving", "state", "lingers", "found", "fix"),
    [
        (
            Serving(starts=(PROXY_UNIT, PROXY_SOCKET)),
            services({SERVER_UNIT: UnitState("active", "disabled")}),
            True,
            f"{SERVER_UNIT} would not start",
            f"systemctl --user enable {SERVER_UNIT}",
        ),
        (
            Serving(starts=(PROXY_UNIT, PROXY_SOCKET)),
            services({SERVER_UNIT: UnitState("active", "masked")}),
            True,
            f"{SERVER_UNIT} would not start",
            f"systemctl --user unmask {SERVER_UNIT} && {DEPLOY_AGAIN}",
        ),
        (
            Serving(starts=(PROXY_UNIT, PROXY_SOCKET)),
            services({SERVER_UNIT: UnitState("active", "")}),
            True,
            f"{SERVER_UNIT} would not start",
            DEPLOY_AGAIN,
        ),
        (
            Serving(starts=()),
            services(),
            True,
            f"{SERVER_UNIT}, {PROXY_UNIT}, {PROXY_SOCKET} would not start",
            "systemctl --user revert default.target && systemctl --user daemon-reload",
        ),
        (
            WELL,
            services({PROXY_UNIT: UnitState("active", "enabled", stale_definition=True)}),
            True,
            f"{PROXY_UNIT} was changed since it was read: another one would start",
            f"systemctl --user daemon-reload && systemctl --user restart {PROXY_UNIT}",
        ),
        (
            WELL,
            services(differing=(SERVER_UNIT,)),
            True,
            f"{SERVER_UNIT} is not as the deploy wrote it",
            f"{DEPLOY_AGAIN}  # it keeps changes in a drop-in: systemctl --user edit",
        ),
        (WELL, services(), False, "nothing starts before ada logs in", "see without a login"),
    ],
)
def test_what_would_not_start_is_told(
    serving: Serving, state: ServiceState, lingers: bool, found: str, fix: str
):
    row = next_boot(serving, WHOLE, state, lingers, "ada")
    assert (row.found, row.fix) == (found, fix)


def test_home_assistant_s_unit_is_to_start_where_it_is_wanted():
    serving = Serving(starts=(SERVER_UNIT, PROXY_UNIT, PROXY_SOCKET))
    assert next_boot(serving, WHOLE, services(), True, "ada").fix == ""
    wanted = Generations((generation(1, wyoming="127.0.0.1:10300"),), 1)
    row = next_boot(serving, wanted, services(), True, "ada")
    assert row.found == f"{WYOMING_UNIT} would not start"


def test_a_generation_that_is_not_whole_would_not_serve():
    gone = Generations((generation(1),), 1, gone=("server.env", "request-path"))
    row = next_boot(WELL, gone, services(), True, "ada")
    assert row.found == "nothing would serve: current/server.env, current/request-path is gone"
    assert row.fix == DEPLOY_AGAIN


def test_what_is_set_up_by_hand_may_have_no_socket():
    units = {unit: RUNNING[unit] for unit in (SERVER_UNIT, PROXY_UNIT)}
    serving = Serving(starts=(SERVER_UNIT, PROXY_UNIT))
    assert next_boot(serving, WHOLE, ServiceState(units=units), True, "ada").fix == ""
