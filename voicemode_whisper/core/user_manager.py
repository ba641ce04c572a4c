"""The user's own service manager, as systemd tells of it, and what changes our units there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from voicemode_whisper.core.diagnosis import Finding
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, WYOMING_UNIT

# The first that knows every setting in our units: OOMPolicy came last.
OLDEST_SYSTEMD = 243
SERVICES = "/.voicemode/services/"


@dataclass(frozen=True)
class Override:
    """A file at `path` that changes `unit`, with its settings in order; `hides` all of ours."""

    unit: str
    path: str
    settings: tuple[tuple[str, str], ...] = ()
    hides: bool = False


@dataclass(frozen=True)
class UserManager:
    """State of a user's service manager.

    `lingers` is None where nobody answers for logind. `load`, `active` and `result` are those of
    user@UID.service, `manager` what its manager says of itself: "running", "degraded"; empty or
    "offline" where it does not run. `failed` are the units for which it is degraded.
    """

    systemd: int = 0
    lingers: bool | None = None
    load: str = ""
    active: str = ""
    result: str = ""
    manager: str = ""
    failed: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()

    to_json = asdict  # for `pyinfra … fact`

    @property
    def answers(self) -> bool:
        """Whether units can be started there."""
        return self.manager in ("running", "degraded", "starting", "initializing", "maintenance")

    @property
    def runs_without_login(self) -> bool:
        """Whether the user lingers, and the manager that begins with it does run."""
        return bool(self.lingers) and self.active == "active"


def parse_user_manager(lines: Iterable[str]) -> UserManager:
    """Read what user-manager.sh prints."""
    values: dict[str, str] = {}
    failed: list[str] = []
    overrides: list[tuple[str, str, bool, list[tuple[str, str]]]] = []
    for line in lines:
        word, _, text = line.partition(" ")
        if word in ("drop-in", "unit"):
            unit, _, path = text.partition(" ")
            overrides.append((unit, path, word == "unit", []))
        elif word == "setting":
            name, _, value = text.partition("=")
            overrides[-1][3].append((name, value))
        elif line.startswith("Failed="):
            failed.append(line.removeprefix("Failed="))
        else:
            name, value = line.split("=", 1)
            values[name] = value
    return UserManager(
        systemd=int(values["Version"]),
        lingers={"yes": True, "no": False}.get(values.get("Linger", "")),
        load=values.get("LoadState", ""),
        active=values.get("ActiveState", ""),
        result=values.get("Result", ""),
        manager=values.get("Manager", ""),
        failed=tuple(failed),
        overrides=_effective(Override(u, path, tuple(s), hides) for u, path, hides, s in overrides),
    )


def _effective(overrides: Iterable[Override]) -> tuple[Override, ...]:
    """Those that count, in the order in which they do: by file name, of one name the first."""
    first: dict[tuple[str, str], Override] = {}
    for one in overrides:
        first.setdefault((one.unit, one.path.rpartition("/")[2]), one)
    return tuple(first[key] for key in sorted(first))


def check_manager(manager: UserManager, user: str, uid: int) -> None:
    """Refuse a systemd that is too old, and a service manager that cannot be started."""
    if manager.systemd < OLDEST_SYSTEMD:
        raise UserError(
            f"systemd: this is {manager.systemd or 'of no version'}; needed is {OLDEST_SYSTEMD} or "
            "newer: sudo pacman -Syu"
        )
    if manager.lingers is None:
        raise UserError(
            "systemd: logind does not answer, and without it no service runs without a login; "
            "`systemctl status systemd-logind` says why"
        )
    finding = check_running(manager, uid)
    if finding:
        raise UserError(f"systemd: {user}'s service manager: {finding}")


def check_running(manager: UserManager, uid: int) -> Finding | None:
    """Why the user's service manager does not run and will not start; None where it may."""
    unit = f"user@{uid}.service"
    restart = f"sudo systemctl restart {unit}"
    if manager.load == "masked":
        return Finding(f"{unit} is masked", f"sudo systemctl unmask {unit}")
    if manager.active == "failed":
        what = f"{unit} has failed ({manager.result})"
        return Finding(what, f"journalctl -b -n 20 -u {unit}; {restart}")
    if manager.active == "active" and not manager.answers:
        what = f"{unit} runs, but does not answer in /run/user/{uid}"
        return Finding(what, f"{restart}  # which ends what runs there")
    return None


def find_override(overrides: Sequence[Override], unit: str = "") -> Finding | None:
    """Which file keeps the deploy's units, or one of them, from running what is deployed.

    Drop-ins that only tune a unit are none of that.
    """
    wanted = [one for one in overrides if unit in ("", one.unit)]
    return next((found for one in wanted if (found := _check_override(one))), None)


def _check_override(override: Override) -> Finding | None:
    unit, path = override.unit, override.path
    reload = f"systemctl --user daemon-reload && systemctl --user restart {unit}"
    sudo = "" if path.startswith(("/home/", "/run/user/")) or "/.config/" in path else "sudo "
    if override.hides:
        return Finding(f"{path} hides the deploy's {unit}", f"{sudo}rm {path} && {reload}")
    for name, value in override.settings:
        if _harms(unit, name, value):
            return Finding(
                f"{path} {_effect(unit, name, value)}, so it does not run what is deployed",
                f"{sudo}sed -i '/^ *{name} *=/d' {path} && {reload}",
            )
    return None


def _effect(unit: str, name: str, value: str) -> str:
    return f"has {unit} run {value}" if name == "ExecStart" else f"sets {name}={value} for {unit}"


def _harms(unit: str, name: str, value: str) -> bool:
    harms = HARMS[unit].get(name)
    return bool(harms and harms(value))


def _other_server(command: str) -> bool:
    own = f"{SERVICES}current/build/bin/whisper-server", f"{SERVICES}whisper.cpp/build/bin/"
    # An empty one only makes room for the next.
    return bool(command) and not (any(x in command for x in own) and "@request-path" in command)


def _other_proxy(command: str) -> bool:
    own = f"{SERVICES}current/venv/bin/", f"{SERVICES}whisper-proxy-venv/bin/"
    return bool(command) and not (any(x in command for x in own) and "whisper_proxy" in command)


def _other_wyoming(command: str) -> bool:
    return bool(command) and f"{SERVICES}current/wyoming/bin/" not in command


def _other_directory(directory: str) -> bool:
    names = "current", "current/proxy", "whisper-proxy"
    return not directory.rstrip("/").endswith(tuple(SERVICES + name for name in names))


def _is_reset(value: str) -> bool:
    return not value


# The settings that keep a unit from running what is deployed, where their value does.
HARMS: Mapping[str, Mapping[str, Callable[[str], bool]]] = {
    SERVER_UNIT: {
        "ExecStart": _other_server,
        "WorkingDirectory": _other_directory,
        "Environment": lambda value: not value or "LD_PRELOAD=" in value,
        "EnvironmentFile": _is_reset,
    },
    PROXY_UNIT: {
        "ExecStart": _other_proxy,
        "WorkingDirectory": _other_directory,
        "Environment": lambda value: not value or "WHISPER_PROXY_UPSTREAM" in value,
        "EnvironmentFile": _is_reset,
    },
    PROXY_SOCKET: {"ListenStream": lambda value: True},
    WYOMING_UNIT: {"ExecStart": _other_wyoming, "EnvironmentFile": _is_reset},
}
