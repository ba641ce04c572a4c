"""Everything on a box that the deploy is responsible for, so that two boxes can be compared.

`footprint(box)` asks the box in one round trip: this very file runs there, with the box's own
Python, and so needs nothing but the standard library.
"""

import grp
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HOME = Path.home()
CHECKOUT = HOME / ".voicemode" / "services" / "whisper.cpp"
SYSTEMCTL = ("systemctl", "--user")
SHOWN = "ActiveState,UnitFileState,NeedDaemonReload,MainPID"

# git's own files depend on which commits came when; what they amount to is asked of git.
# Python writes its caches whenever it likes.
PASSED_OVER = {".git", "__pycache__"}
# Processes that come and go with anybody who connects, or that systemd starts for a moment.
TRANSIENT = re.compile(r"sshd|systemd-|\(sd-")
# Root's own service manager, which starts a dozen programs when the tests connect after a boot.
# What the deploy runs as root is in the session of its user.
ROOTS_MANAGER = "/user@0.service/"
# A service's private directory is named after the boot, one of ours would not be.
PRIVATE = re.compile(r"systemd-private-\w+-([\w-]+\.service)-\w+")

Footprint = dict[str, str]


def footprint(box: Any) -> Footprint:
    """What stands on a box, as {what: how it is}."""
    found: Footprint = json.loads(box.run("python3 -", input=Path(__file__).read_text()).stdout)
    return found


def differences(expected: Footprint, found: Footprint) -> list[str]:
    """One line for each thing that is not as expected."""
    missing = [f"missing: {what}" for what in expected.keys() - found.keys()]
    surplus = [f"left over: {what} ({found[what]})" for what in found.keys() - expected.keys()]
    changed = [
        f"{what}: {found[what]}; undisturbed: {expected[what]}"
        for what in expected.keys() & found.keys()
        if expected[what] != found[what]
    ]
    return sorted([*missing, *surplus, *changed])


def output(*command: str) -> str:
    """What a program says, complaints and all, whatever its exit status."""
    pipe = subprocess.PIPE
    done = subprocess.run(command, stdout=pipe, stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip()


def files(root: Path) -> Iterator[tuple[str, str]]:
    """Every path below `root`: its kind, permissions and content."""
    for path in sorted(root.iterdir()) if root.exists() else []:
        if path.name in PASSED_OVER:
            continue
        yield f"~/{path.relative_to(HOME)}", described(path)
        if path.is_dir() and not path.is_symlink():
            yield from files(path)


def described(path: Path) -> str:
    """A file's kind, permissions and content in one line."""
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    mode = f"{path.stat().st_mode & 0o7777:o}"
    if not path.is_file():
        return f"directory {mode}"
    return f"file {mode} {hashlib.sha256(content(path)).hexdigest()[:12]}"


def content(path: Path) -> bytes:
    """A file's bytes, less what must differ: inodes, times, and what follows from those."""
    if path.suffix == ".sha256":
        return b" ".join(path.read_bytes().split()[:2])
    if path.name in ("smoke-test.log", "speed.log", "queues.log", "lock", "request-path"):
        return b""
    if path.name == "server.env":  # with what is faster: that differs, and with it the revision
        varies = rb"^(FLASH_ATTENTION|SERVICE_REVISION)=.*$"
        return re.sub(varies, rb"\1=", path.read_bytes(), flags=re.MULTILINE)
    if path.name == "manifest.json":
        manifest = json.loads(path.read_bytes())
        differs = {"built", "seconds", "created", "confirmed", "rejected", "revisions", "adopted"}
        same = {name: value for name, value in manifest.items() if name not in differs}
        return repr({**same, "acceptance": list(manifest.get("acceptance", []))}).encode()
    return path.read_bytes()


def checkout() -> Iterator[tuple[str, str]]:
    """Where git stands, and what a git that was killed would leave."""
    git = ("git", "-C", str(CHECKOUT))
    yield "git HEAD", output(*git, "rev-parse", "HEAD")
    yield "git status", output(*git, "status", "--porcelain")
    yield "git stash", output(*git, "stash", "list")
    for lock in (CHECKOUT / ".git").rglob("*.lock"):
        yield f"git lock {lock.relative_to(CHECKOUT)}", "held"


def units() -> Iterator[tuple[str, str]]:
    """Each unit of the user's: whether it runs, will run after a boot, and what it runs."""
    directory = HOME / ".config" / "systemd" / "user"
    for path in sorted(directory.glob("*.*")):
        if path.is_file():
            shown = output(*SYSTEMCTL, "show", "-p", SHOWN, path.name).splitlines()
            state = dict(line.split("=", 1) for line in shown if "=" in line)
            pid = state.pop("MainPID", "0")
            yield f"unit {path.name}", " ".join(sorted(state.values()))
            if pid != "0":
                yield f"program of {path.name}", program(Path("/proc", pid))


def program(process: Path) -> str:
    """The file that a process runs, and whether it was started as the current generation has it."""
    environment = (process / "environ").read_text().split("\0")
    revisions = [line for line in environment if line.startswith("SERVICE_REVISION=")]
    current = HOME / ".voicemode" / "services" / "current"
    texts = [path.read_text() for path in current.glob("*.env")]
    known = [revision for revision in revisions if any(revision in text for text in texts)]
    return " ".join([os.readlink(process / "exe"), *("as in current" for _ in known)])


def processes() -> Iterator[tuple[str, str]]:
    """Everything that runs, but for what comes and goes: an orphan of a killed run is told here."""
    ours = lineage(os.getpid())
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text().strip()
            others = TRANSIENT.match(name) or ROOTS_MANAGER in (process / "cgroup").read_text()
            if process.name not in ours and not others:
                yield f"process {name} of {process.owner()}", "runs"
        except OSError:
            continue  # it has just ended


def lineage(pid: int) -> set[str]:
    """A process and its ancestors, but for the first."""
    found = set()
    while pid > 1:
        found.add(str(pid))
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def programs() -> Iterator[tuple[str, str]]:
    """The size of each file that packages bring: one that was cut short is told here.

    pacman cannot say, as the boxes' packages carry no list of sums.
    """
    for directory, below, names in os.walk("/usr"):
        below[:] = [name for name in below if name not in PASSED_OVER]
        for name in names:
            path = f"{directory}/{name}"
            yield path, f"{os.lstat(path).st_size} bytes"


def system() -> Iterator[tuple[str, str]]:
    """Packages, groups, linger, and temporary files."""
    for package in output("pacman", "-Qq").splitlines():
        yield f"package {package}", "installed"
    yield "pacman's database", output("pacman", "-Dk")
    yield "pacman's lock", str(Path("/var/lib/pacman/db.lck").exists())
    user = HOME.name
    groups = [group.gr_name for group in grp.getgrall() if user in group.gr_mem]
    yield "groups", " ".join(sorted(groups))
    yield "linger", str(Path("/var/lib/systemd/linger", user).exists())
    for directory in ("/tmp", "/var/tmp"):
        for path in Path(directory).iterdir():
            name = PRIVATE.sub(r"systemd-private of \1", path.name)
            yield f"{directory}/{name}", "there"


def everything() -> Footprint:
    """The footprint of the machine that this runs on."""
    os.environ["XDG_RUNTIME_DIR"] = f"/run/user/{os.getuid()}"
    # What holds the lock of a run outlives it by half a second.
    output("flock", "-w", "5", str(HOME / ".voicemode" / "services" / "lock"), "true")
    parts = (checkout(), units(), processes(), programs(), system())
    places = (files(HOME / ".voicemode"), files(HOME / ".config"))
    return dict(item for part in (*places, *parts) for item in part)


if __name__ == "__main__":
    print(json.dumps(everything()))
