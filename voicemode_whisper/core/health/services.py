"""The units of the services and the manager that runs them, now and after a boot."""

import shlex
from collections.abc import Mapping, Sequence

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN, Finding
from voicemode_whisper.core.generations import Generations
from voicemode_whisper.core.health.report import CheckResult, restart
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, WYOMING_UNIT
from voicemode_whisper.core.places import LateMount
from voicemode_whisper.core.services import ServiceState, UnitState, runs
from voicemode_whisper.core.serving import Serving
from voicemode_whisper.core.user_manager import (
    Override,
    UserManager,
    check_running,
    find_override,
)


def manager(state: UserManager, uid: int) -> CheckResult:
    """The user's own service manager."""
    finding = check_running(state, uid)
    if finding:
        return CheckResult("user manager", finding.what, finding.fix)
    failed = f", though {' and '.join(state.failed)} has failed there" if state.failed else ""
    return CheckResult("user manager", f"user@{uid}.service runs{failed}")


def service(
    name: str,
    unit: str,
    state: ServiceState,
    overrides: Sequence[Override] = (),
    late: Sequence[LateMount] = (),
) -> CheckResult:
    """A unit of the user's: whether it is the deploy's and runs what that means it to.

    `overrides` are the files that change it, `late` is as for `linger`.
    """
    found = state.units.get(unit, UnitState())
    if not found.enabled:
        return CheckResult(name, f"there is no {unit}", DEPLOY_AGAIN)
    finding = find_override(overrides, unit) or _changed(unit, state)
    if finding:
        return CheckResult(name, finding.what, finding.fix)
    if found.active != "active":
        return CheckResult(name, f"{unit} is {found.active}", restart(unit))
    if found.enabled != "enabled":
        fix = f"systemctl --user enable {unit}"
        return CheckResult(name, f"{unit} runs, but is not enabled", fix)
    tuned = [one.path for one in overrides if one.unit == unit]
    by = f", tuned by {' and '.join(tuned)}" if tuned else ""
    return CheckResult(name, f"{unit} runs, and after a {'login' if late else 'boot'} too{by}")


def _changed(unit: str, state: ServiceState) -> Finding | None:
    """Whether somebody else wrote the unit since, or it runs another program than it should."""
    found, program = state.units[unit], state.programs.get(unit)
    if found.enabled.startswith("masked"):
        return Finding(f"{unit} is masked", DEPLOY_AGAIN)
    if unit in state.differing:
        return Finding(f"{unit} is not as the deploy wrote it", DEPLOY_AGAIN)
    if program and found.pid and not runs(found, program):
        return Finding(f"{unit} runs {found.program} instead of {program}", DEPLOY_AGAIN)
    return None


def linger(lingers: bool, user: str, late: Sequence[LateMount] = ()) -> CheckResult:
    """Whether the services run without a login.

    They cannot where what they consist of is on file systems that are mounted then, the late ones.
    """
    name, disable = "without a login", f"sudo loginctl disable-linger {shlex.quote(user)}"
    mounts = " and ".join(map(str, late))
    if late and lingers:
        found = f"nothing runs: {mounts} is mounted after {user}'s service manager has started"
        again = "systemctl --user daemon-reload && systemctl --user start default.target"
        return CheckResult(name, found, f"{disable} && {again}  # they start at login then")
    if late:
        return CheckResult(name, f"nothing runs, as {mounts} is mounted at login; then they start")
    if lingers:
        return CheckResult(name, "the services run")
    return CheckResult(name, "nothing runs", f"sudo loginctl enable-linger {shlex.quote(user)}")


def next_boot(
    serving: Serving,
    generations: Generations,
    services: ServiceState,
    lingers: bool,
    user: str,
    at_login: bool = False,
) -> CheckResult:
    """Whether the services start at the next boot as they run now.

    `at_login` is whether that is when they are to start: their home is mounted then.
    """
    found, fix = (
        _gone(generations)
        or _other_units(services)
        or _not_started(serving, generations, services.units)
        or (None if at_login else _without_login(lingers, user))
        or (f"what serves starts again{', at login' if at_login else ''}", "")
    )
    return CheckResult("next boot", found, fix)


def _gone(generations: Generations) -> tuple[str, str] | None:
    if not generations.gone:
        return None
    files = ", ".join(f"current/{file}" for file in generations.gone)
    return f"nothing would serve: {files} is gone", DEPLOY_AGAIN


def _other_units(services: ServiceState) -> tuple[str, str] | None:
    """Units that are not the generation's, or not what systemd has read."""
    if services.differing:
        found = f"{', '.join(services.differing)} is not as the deploy wrote it"
        return found, f"{DEPLOY_AGAIN}  # it keeps changes in a drop-in: systemctl --user edit"
    stale = [unit for unit, state in services.units.items() if state.stale_definition]
    if not stale:
        return None
    fix = f"systemctl --user daemon-reload && systemctl --user restart {' '.join(stale)}"
    return f"{', '.join(stale)} was changed since it was read: another one would start", fix


def _not_started(
    serving: Serving, generations: Generations, units: Mapping[str, UnitState]
) -> tuple[str, str] | None:
    if serving.starts is None:
        return None
    expected = _expected(generations)
    missing = [unit for unit in expected if unit not in serving.starts and unit in units]
    if not missing:
        return None
    found = f"{', '.join(missing)} would not start"
    if not all(units[unit].enabled for unit in missing):  # without a file
        return found, DEPLOY_AGAIN
    masked = [unit for unit in missing if units[unit].enabled.startswith("masked")]
    disabled = [unit for unit in missing if units[unit].enabled != "enabled"]
    if masked:
        return found, f"systemctl --user unmask {' '.join(masked)} && {DEPLOY_AGAIN}"
    if disabled:
        return found, f"systemctl --user enable {' '.join(disabled)}"
    return found, "systemctl --user revert default.target && systemctl --user daemon-reload"


def _expected(generations: Generations) -> tuple[str, ...]:
    """What should start: those of what serves, and the socket that every generation of ours has."""
    serving = generations.serving
    wyoming = (WYOMING_UNIT,) if serving and serving.wyoming else ()
    return (SERVER_UNIT, PROXY_UNIT, PROXY_SOCKET, *wyoming)


def _without_login(lingers: bool, user: str) -> tuple[str, str] | None:
    if lingers:
        return None
    return f"nothing starts before {user} logs in", "see without a login"
