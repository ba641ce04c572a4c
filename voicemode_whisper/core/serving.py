"""Whether what serves is what was installed, and serves again after a boot."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.generations import Generations
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import UNITS
from voicemode_whisper.core.services import ServiceState, UnitState


@dataclass(frozen=True)
class Serving:
    """What is on the disk of what serves.

    `changed` are files of the build and of the proxy that are not as they were installed. `starts`
    are the units that the user's service manager would start at a boot, None where it cannot be
    asked. `busy` is who runs a deploy now, empty where nobody does.
    """

    changed_build: tuple[str, ...] = ()
    changed_proxy: tuple[str, ...] = ()
    starts: tuple[str, ...] | None = None
    busy: str = ""

    to_json = asdict  # for `pyinfra … fact`


def parse_serving(lines: Iterable[str]) -> Serving:
    """What serving-state.sh prints."""
    words = ("changed build", "changed proxy", "asked", "starts", "busy")
    said: dict[str, list[str]] = {word: [] for word in words}
    for line in lines:
        word = next(word for word in words if f"{line} ".startswith(f"{word} "))
        said[word].append(line.removeprefix(word).strip())
    return Serving(
        changed_build=tuple(said["changed build"]),
        changed_proxy=tuple(said["changed proxy"]),
        starts=tuple(said["starts"]) if said["asked"] else None,
        busy="".join(said["busy"]),
    )


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
        or _not_started(serving, services.units)
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


def _not_started(serving: Serving, units: Mapping[str, UnitState]) -> tuple[str, str] | None:
    if serving.starts is None:
        return None
    missing = [unit for unit in UNITS if unit not in serving.starts and unit in units]
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


def _without_login(lingers: bool, user: str) -> tuple[str, str] | None:
    if lingers:
        return None
    return f"nothing starts before {user} logs in", "see without a login"
