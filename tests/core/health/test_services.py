"""The units of the services and the manager that runs them, now and after a boot."""

from dataclasses import replace

import pytest

from tests.health import AGAIN, UNIT
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health import services
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.core.places import LateMount
from voicemode_whisper.core.services import ServiceState, UnitState
from voicemode_whisper.core.user_manager import Override, UserManager

RUNS = UnitState("active", "enabled", pid=7, program="/b/whisper-server")
PROGRAMS = {SERVER_UNIT: "/b/whisper-server"}


@pytest.mark.parametrize(
    ("active", "enabled", "found", "fix"),
    [
        ("active", "enabled", "w.service runs, and after a boot too", ""),
        ("inactive", "enabled", "w.service is inactive", AGAIN),
        ("failed", "disabled", "w.service is failed", AGAIN),
        ("activating", "enabled", "w.service is activating", AGAIN),
        (
            "active",
            "disabled",
            "w.service runs, but is not enabled",
            "systemctl --user enable w.service",
        ),
        ("inactive", "", "there is no w.service", DEPLOY_AGAIN),
    ],
)
def test_a_unit(active: str, enabled: str, found: str, fix: str):
    state = ServiceState(units={UNIT: UnitState(active, enabled)})
    assert services.service("server", UNIT, state) == CheckResult("server", found, fix)


@pytest.mark.parametrize(
    ("unit", "differing", "found"),
    [
        (RUNS, (), "runs, and after a boot too"),
        (replace(RUNS, program="/b/whisper-server-x"), (), "runs, and after a boot too"),
        (replace(RUNS, program="/usr/bin/x"), (), "runs /usr/bin/x instead of /b/whisper-server"),
        (replace(RUNS, program="/b/whisper-server (deleted)"), (), "runs /b/whisper-server (dele"),
        (RUNS, (SERVER_UNIT,), "is not as the deploy wrote it"),
        (replace(RUNS, enabled="masked"), (SERVER_UNIT,), "is masked"),
    ],
)
def test_a_unit_that_runs_something_else(unit: UnitState, differing: tuple[str, ...], found: str):
    state = ServiceState(programs=PROGRAMS, units={SERVER_UNIT: unit}, differing=differing)
    result = services.service("server", SERVER_UNIT, state)
    assert result.found.startswith(f"{SERVER_UNIT} {found}")
    assert result.fix == ("" if "after a boot" in found else DEPLOY_AGAIN)


def test_a_drop_in_that_tunes_is_told_and_one_that_runs_another_program_is_ill():
    state = ServiceState(programs=PROGRAMS, units={SERVER_UNIT: RUNS})
    tuned = Override(SERVER_UNIT, "/h/nice.conf", (("Nice", "5"),))
    well = services.service("server", SERVER_UNIT, state, [tuned])
    assert well == CheckResult(
        "server", f"{SERVER_UNIT} runs, and after a boot too, tuned by /h/nice.conf"
    )
    other = Override(SERVER_UNIT, "/h/other.conf", (("ExecStart", "/usr/bin/x"),))
    ill = services.service("server", SERVER_UNIT, state, [tuned, other])
    assert ill.found.startswith(f"/h/other.conf has {SERVER_UNIT} run /usr/bin/x")
    assert ill.fix


def test_a_user_s_manager_is_ill_where_it_does_not_answer():
    runs = UserManager(257, True, "loaded", "active", "success", "degraded", ("x.service",))
    assert services.manager(runs, 1000) == CheckResult(
        "user manager", "user@1000.service runs, though x.service has failed there"
    )
    ill = services.manager(replace(runs, active="failed", manager=""), 1000)
    assert ill.found == "user@1000.service has failed (success)"
    assert ill.fix.startswith("journalctl -b -n 20 -u user@1000.service; ")


def test_linger():
    assert services.linger(True, "ada").fix == ""
    assert services.linger(False, "ada").fix == "sudo loginctl enable-linger ada"
    assert services.linger(False, "a p").fix == "sudo loginctl enable-linger 'a p'"


def test_a_home_that_is_mounted_at_login():
    late = [LateMount("fuse.gocryptfs", "/home/ada")]
    well, wrong = (services.linger(lingers, "ada", late) for lingers in (False, True))
    assert well.fix == ""
    assert well.found == (
        "nothing runs, as /home/ada (fuse.gocryptfs) is mounted at login; then they start"
    )
    assert wrong.found == (
        "nothing runs: /home/ada (fuse.gocryptfs) is mounted after ada's service manager has "
        "started"
    )
    assert wrong.fix.startswith("sudo loginctl disable-linger ada && systemctl --user daemon-rel")
    state = ServiceState(units={UNIT: UnitState("active", "enabled")})
    service = services.service("server", UNIT, state, late=late)
    assert service == CheckResult("server", "w.service runs, and after a login too")
