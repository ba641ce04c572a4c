"""Virtual environments: whether one still runs, and on whose Python.

A virtual environment is bound to the interpreter that it was made with. That is gone when pacman
has brought the next minor version, or mise, pyenv or uv have removed a patch release.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

# Named in full: what is first on a user's PATH may be gone tomorrow.
SYSTEM_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Program:
    """What has a virtual environment: that is the `part` of a generation, DIRECTORY-VERSION.

    `lock` is the name of its lock file, which lies beside the proxy's code, `oldest` the oldest
    Python that it takes.
    """

    name: str
    part: str
    directory: str
    lock: str
    oldest: str


PROXY = Program("whisper-proxy", "venv", "whisper-proxy-venv", "requirements.lock", "3.11")
WYOMING = Program("wyoming-openai", "wyoming", "whisper-wyoming-venv", "wyoming.lock", "3.12")

UPGRADE = Program("the upgrade", "", "venv", "requirements/deploy.lock", "3.11")


@dataclass(frozen=True)
class Venv:
    """A virtual environment, as venv-state.sh finds it.

    `complete` is whether it was made to its end. `interpreter` is the file that its python leads
    to, `version` what that says it is ("3.13"), empty where it does not start, and `error` why.
    `packages` are the versions whose packages it has, `damaged` the first file that is not what was
    installed. `system` is the file of the system's Python.
    """

    complete: bool = False
    interpreter: str = ""
    version: str = ""
    error: str = ""
    packages: tuple[str, ...] = ()
    damaged: str = ""
    system: str = ""

    to_json = asdict  # for `pyinfra … fact`

    @property
    def problem(self) -> str:
        """Why nothing starts from it any more, empty where it does."""
        if not self.version:
            return self.error or f"{self.interpreter or 'its python'} is gone"
        if self.version not in self.packages:
            made_for = " and ".join(self.packages) or "none"
            return f"its packages are for Python {made_for}, {self.interpreter} is {self.version}"
        return f"{self.damaged} is not what was installed" if self.damaged else ""

    @property
    def reason_to_replace(self) -> str:
        """Why a deploy makes it anew, empty where it does not."""
        if self.problem or self.interpreter == self.system:
            return self.problem
        return f"it depends on {self.interpreter}, which is not the system's Python"


def parse_venv(lines: Iterable[str]) -> Venv:
    """Read what venv-state.sh prints: lines NAME=VALUE, named as the fields."""
    values = dict(line.split("=", 1) for line in lines)
    return Venv(
        complete=values["complete"] == "yes",
        interpreter=values["interpreter"],
        version=values["version"],
        error=values["error"],
        packages=tuple(values["packages"].split()),
        damaged=values["damaged"],
        system=values["system"],
    )


def python_problem(version: str | None, program: Program) -> str:
    """What is wrong with the system's Python ("3.13"; None where there is none), if anything is."""
    if version is None:
        return f"python: {SYSTEM_PYTHON} does not start; sudo pacman -Syu python installs it"
    if _parts(version) < _parts(program.oldest):
        needed = f"{program.oldest} or newer is needed for {program.name}"
        return f"python: {SYSTEM_PYTHON} is Python {version}, {needed}; sudo pacman -Syu python"
    return ""


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
