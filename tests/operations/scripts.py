"""Run the project's shell for real, in a home directory of its own, with a stub of systemctl."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voicemode_whisper.scripts import words

SYSTEMCTL = """#!/bin/sh
cd "${0%/*}/.."
echo "$*" >> log
for unit; do :; done
case "$*" in
  *"-p MainPID --value"*) cat "pids/$unit" 2> /dev/null ;;
  *MainPID*) for unit; do case $unit in *.service | *.socket)
    echo "MainPID=$(cat "pids/$unit" 2> /dev/null || echo 0)" && echo ;; esac; done ;;
esac
true
"""
# What coreutils 9.5 can do and Debian's cannot yet: two names change places, at once.
EXCHANGE = """#!{python} -IS
import ctypes, os, sys
if "--exchange" not in sys.argv:
    os.execv("{mv}", sys.argv)
old, new = (os.fsencode(name) for name in sys.argv[-2:])
sys.exit(ctypes.CDLL(None).renameat2(-100, old, -100, new, 2) != 0)
"""
# Counts the commands that a script starts, and kills it before the one that would be its last.
WRAPPER = """#!/bin/sh
counter="${{0%/*}}/../counter"
read -r count < "$counter"
echo "$((count + 1))" > "$counter"
[ "$count" -lt "$LAST" ] || kill -9 0
exec {program} "$@"
"""
# All that the scripts start.
PROGRAMS = ("cat", "cmp", "cp", "date", "dirname", "du", "grep", "ln", "mkdir", "mv", "readlink",
            "rm", "rmdir", "sed", "sync", "systemctl", "systemd-analyze", "tail", "cut",
            "tr", "realpath")  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """A home directory with services in it, and what its systemctl was told."""

    home: Path

    @property
    def services(self) -> Path:
        return self.home / "services"

    @property
    def units(self) -> Path:
        return self.home / "units"

    @property
    def told(self) -> list[str]:
        """What systemctl was told since this was last asked for."""
        log = self.home / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.removeprefix("--user ") for line in lines]

    def path(self, *before: Path) -> str:
        return os.pathsep.join(map(str, [*before, self.home / "bin", os.environ["PATH"]]))

    def run(self, name: str, *arguments: object) -> list[str]:
        """Run NAME.sh to its end; the lines that it prints."""
        done = self.start(name, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def start(
        self, name: str, *arguments: object, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words(name, *map(str, arguments)),
            env={**os.environ, "PATH": self.path(), **(environment or {})},
            capture_output=True, text=True, timeout=20, start_new_session=True,
        )  # fmt: skip

    def kill(self, last: int, name: str, *arguments: object) -> bool:
        """Run NAME.sh, and kill it before its command number `last`; whether it came that far."""
        counter, wrappers = self.home / "counter", self.home / "wrappers"
        counter.write_text("1\n")
        if not wrappers.exists():
            for program in PROGRAMS:
                own = f'"${{0%/*}}/../bin/{program}"'
                real = own if (self.home / "bin" / program).exists() else shutil.which(program)
                write(wrappers / program, WRAPPER.format(program=real))
        environment = {"PATH": self.path(wrappers), "LAST": str(last)}
        return self.start(name, *arguments, environment=environment).returncode != 0

    def copy(self, home: Path) -> "Machine":
        """Another machine that is like this one."""
        shutil.copytree(self.home, home, symlinks=True)
        return Machine(home)

    def tree(self) -> dict[str, str]:
        """What lies in the home directory: links with their targets, files with their texts."""
        found = {}
        for root in (self.services, self.units):
            for path in sorted(root.rglob("*")):
                name = str(path.relative_to(self.home))
                if path.is_symlink():
                    found[name] = f"-> {path.readlink()}"
                else:
                    found[name] = "/" if path.is_dir() else path.read_text()
        return found


def write(path: Path, text: str, mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def machine(home: Path, exchange: bool = True) -> Machine:
    """An empty machine, whose mv can exchange two names or not."""
    made = Machine(home)
    made.services.mkdir(parents=True)
    write(home / "bin/systemctl", SYSTEMCTL)
    # The units are no more than names here; test_check_units.py has real ones.
    write(home / "bin/systemd-analyze", "#!/bin/sh\n")
    # Nothing here has to outlive a power cut, and a disk that others use too takes its time.
    write(home / "bin/sync", "#!/bin/sh\n")
    if exchange:
        write(home / "bin/mv", EXCHANGE.format(python=sys.executable, mv=shutil.which("mv")))
    return made
