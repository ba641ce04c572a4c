"""The places that a run writes to: whose they are, what is free there, when they are mounted."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from voicemode_whisper.core.build import ROCM_PACKAGES
from voicemode_whisper.core.errors import UserError

MIB = 1024**2
GIB = 1024**3
# Checkout, object files and three builds, with room to spare.
BUILD_SPACE = {"cpu": 1 * GIB, "hip": 3 * GIB, "vulkan": 2 * GIB}
BUILD_FILES = 5000
VENV_SPACE, VENV_FILES = 100 * MIB, 2500
# For the lock and notes of a run that has nothing to do.
LEAST_SPACE, LEAST_FILES = 1 * MIB, 10
# What pacman downloads and installs for packages that it has no list of: less than what
# archlinux.org says of ROCm 7.2 (4.6 and 19.6 GB), and of the tools. What it comes to in the end,
# pacman checks itself.
ROCM_SPACE = (4 * GIB, 16 * GIB)
# Of that rocm-llvm and rocblas have 1.3 and 5.8 GB, all else that whisper.cpp needs is small.
MINIMAL_SPACE = (1 * GIB, 5 * GIB)
TOOLS_SPACE = (100 * MIB, 500 * MIB)
SCRATCH = ("/tmp", "/var/tmp")
LOG_IN = "log in as {user} with the password, and run again"
EXPLANATIONS = {
    "foreign": "{path} belongs to {detail}, and {user} may not write to it; "
    "run: sudo {chown} {owner}: {top}",
    "closed": "{path} has the mode {detail}, which keeps {user} out; run: chmod u+rwx {real}",
    "scratch": "{user} may not write to {path}; run: sudo chmod 1777 {path}",
    "read-only": "{path} is on {detail}, which is mounted read-only; "
    "run: sudo mount -o remount,rw {detail_quoted}",
    "noexec": "{path} is on {detail}, which is mounted noexec, and no program that is built there "
    "can run; take noexec out of /etc/fstab, and run: sudo mount -o remount,exec {detail_quoted}",
    "immutable": "{path} is immutable; run: sudo chattr -i {real}",
    "file": "{path} is a file, and has to be a directory; run: mv {real} {real}.old",
    "missing": "there is no {path}, the home of {user}; make it, or if it is mounted at login, "
    + LOG_IN,
    "dangling": "{path} is a link to {detail}, which is not there; make or mount that",
    "moved": "{path} is a link to {detail}, but its place is beside what else is in {above}; "
    "have a link at {above} instead, to where all of it is",
    "locked": "{path} is encrypted, and not open now; " + LOG_IN,
    "quota": "nothing more can be made in {path}: {detail}; run: quota -s",
    "refused": "nothing can be made in {path}: {detail}",
}
# Words of what mkdir(1) says, and what they mean.
REFUSED = {"key not available": "locked", "quota": "quota"}
# What is given to chown: below services/ it is hardly one file alone.
TOP = re.compile(r"(/\.voicemode/services/[^/]+)/.*")
# What a program says when a file system takes no more, whatever else it says.
FULL = re.compile(r"No space left on device|Disk quota exceeded|ENOSPC|EDQUOT")


@dataclass(frozen=True)
class Trouble:
    """Why nothing can be written to `path`, which leads to `real`: see places.sh."""

    kind: str
    detail: str
    path: str
    real: str

    def follows_from(self, other: "Trouble") -> bool:
        """Whether what mends the other one mends this one too."""
        if self.kind != other.kind:
            return False
        same_mount = self.kind == "read-only" and self.detail == other.detail
        return same_mount or self.path.startswith(f"{other.path}/")


@dataclass(frozen=True)
class Room:
    """What is free where `path` is or will be: bytes; files, None where they are not counted."""

    free: int
    files: int | None
    mount: str
    path: str


@dataclass(frozen=True)
class LateMount:
    """A file system that is mounted when its user logs in, or by hand, and not at boot."""

    kind: str
    mount: str

    def __str__(self) -> str:
        return f"{self.mount} ({self.kind})"


@dataclass(frozen=True)
class Places:
    """The places that a run writes to on a host.

    `rooms` are those of the services, of pacman's downloads and of what pacman installs, in this
    order. `venv` is the link of the generation that serves, `missing` are the packages that are not
    there, `to_download` and `to_install` their bytes, None where pacman knows no
    figures.
    """

    troubles: tuple[Trouble, ...] = ()
    rooms: tuple[Room, ...] = ()
    late: tuple[LateMount, ...] = ()
    venv: str = ""
    missing: tuple[str, ...] = ()
    to_download: int | None = None
    to_install: int | None = None

    to_json = asdict  # for `pyinfra … fact`


def parse_places(lines: Iterable[str]) -> Places:
    """Read what places.sh prints; ValueError, IndexError or TypeError for anything else."""
    said: dict[str, list[list[str]]] = {
        key: [] for key in ("trouble", "room", "late", "venv", "missing", "packages")
    }
    for line in lines:
        key, *fields = line.split("\t")
        if key not in said:
            raise ValueError(f"no place: {line!r}")
        said[key].append(fields)
    if len(said["room"]) != 3:
        raise ValueError("not the room of three places")
    sizes = [int(size) for fields in said["packages"] for size in fields]
    return Places(
        troubles=tuple(Trouble(*fields) for fields in said["trouble"]),
        rooms=tuple(map(_room, said["room"])),
        late=tuple(LateMount(*fields) for fields in said["late"]),
        venv=said["venv"][0][0] if said["venv"] else "",
        missing=tuple(name for (name,) in said["missing"]),
        to_download=sizes[0] if sizes else None,
        to_install=sizes[1] if sizes else None,
    )


def _room(fields: Sequence[str]) -> Room:
    free, files, free_files, mount, path = fields
    # btrfs and others make a place for a file when they need it, and say that they have none.
    counted = files not in ("-", "0")
    return Room(int(free), int(free_files) if counted else None, mount, path)


def check_home(home: str) -> None:
    """Refuse a home whose name a build tool or systemd would read as something else."""
    if not home.startswith("/") or home == "/":
        raise UserError(f"home: got {home!r}; needed is a directory of the user's own")
    odd = sorted(set(re.findall(r"[^\w /.@+=~()%!^-]", home)))
    if odd:
        raise UserError(
            f"home: got {home!r}, with {' '.join(odd)!r} in it, which CMake, Python or systemd "
            "read as something else; needed is another path: sudo usermod -d HOME -m USER"
        )


def check_rights(places: Places, user: str) -> None:
    """Refuse where something that the run writes to cannot be written to: a line for each cause."""
    causes: list[Trouble] = []
    for trouble in places.troubles:
        if not any(map(trouble.follows_from, causes)):
            causes.append(trouble)
    if causes:
        raise UserError(*(f"rights: {_explain(trouble, user)}" for trouble in causes))


def _explain(trouble: Trouble, user: str) -> str:
    kind = trouble.kind
    if kind in ("foreign", "closed") and trouble.path in SCRATCH:
        kind = "scratch"
    if kind == "refused":
        kind = next((known for word, known in REFUSED.items() if word in trouble.detail), kind)
    return EXPLANATIONS[kind].format(
        path=trouble.path,
        detail=trouble.detail,
        user=user,
        above=trouble.path.rpartition("/")[0],
        real=shlex.quote(trouble.real),
        detail_quoted=shlex.quote(trouble.detail),
        # What else is where a link leads may be somebody else's.
        chown="chown -R" if trouble.path == trouble.real else "chown",
        owner=shlex.quote(user),
        top=shlex.quote(TOP.sub(r"\1", trouble.real)),
    )


@dataclass(frozen=True)
class Step:
    """What a step of the run writes: bytes and files, in the place that `rooms` has at `place`."""

    name: str
    space: int
    files: int = 0
    place: int = 0


def steps(places: Places, builds: Sequence[str] = (), model: int = 0) -> list[Step]:
    """What the run will write.

    `builds` are the backends that are to be built for, `model` the bytes of a model that is not
    there yet.
    """
    found = [Step("the run's notes", LEAST_SPACE, LEAST_FILES)]
    if builds:
        space = sum(BUILD_SPACE[backend] for backend in builds)
        what = "the build" if len(builds) == 1 else "the builds"
        found.append(Step(what, space, BUILD_FILES * len(builds)))
    if model:
        found.append(Step("the model", model, 1))
    if not places.venv:
        found.append(Step("the proxy's Python packages", VENV_SPACE, VENV_FILES))
    return [*found, *_packages(places)]


def _packages(places: Places) -> Iterator[Step]:
    if not places.missing:
        return
    download, install = TOOLS_SPACE
    if "rocm-hip-sdk" in places.missing:
        download, install = ROCM_SPACE
    elif set(ROCM_PACKAGES) & set(places.missing):
        download, install = MINIMAL_SPACE
    if places.to_download is not None and places.to_install is not None:
        download, install = places.to_download, places.to_install
    yield Step("packages to download", download, place=1)
    yield Step("packages to install", install, place=2)


def describe_packages(places: Places) -> str:
    """What the missing packages take, and of which disks; empty where none is missing."""
    taken = [
        f"{_size(step.space)} on {places.rooms[step.place].mount}" for step in _packages(places)
    ]
    if not taken:
        return ""
    less = " and ".join(map(_size, MINIMAL_SPACE))
    other = (
        f"; of ROCm, rocm_packages=minimal takes about {less}"
        if "rocm-hip-sdk" in places.missing
        else ""
    )
    return f"packages: about {taken[0]} to download, {taken[1]} to install{other}"


def check_room(places: Places, wanted: Sequence[Step]) -> None:
    """Refuse where a file system has less than what all steps write there: a line for each."""
    mounts = dict.fromkeys(room.mount for room in places.rooms)
    problems = [_lack(places, wanted, mount) for mount in mounts]
    if any(problems):
        raise UserError(*filter(None, problems))


def _lack(places: Places, wanted: Sequence[Step], mount: str) -> str:
    """What a file system lacks, in a line; empty where it has enough."""
    here = [step for step in wanted if step.space and places.rooms[step.place].mount == mount]
    if not here:
        return ""
    room = places.rooms[here[0].place]
    space, files = sum(step.space for step in here), sum(step.files for step in here)
    if room.free < space:
        parts = ", ".join(f"{_size(step.space)} for {step.name}" for step in here)
        return (
            f"disk: {room.path} has {room.free / GIB:.1f} GiB free; needed are {_size(space)} "
            f"on {mount}: {parts}{_less(places, here)}"
        )
    if room.files is not None and room.files < files:
        return (
            f"disk: {room.path} has room for {room.files} more files (df -i); needed are about "
            f"{files} on {mount}"
        )
    return ""


def _less(places: Places, here: Sequence[Step]) -> str:
    """What may be saved of these steps, for people; empty where they are not about all of ROCm."""
    if "rocm-hip-sdk" not in places.missing:
        return ""
    saved = dict(
        enumerate((all_ - part for all_, part in zip(ROCM_SPACE, MINIMAL_SPACE, strict=True)), 1)
    )
    less = sum(saved.get(step.place, 0) for step in here)
    return f"; rocm_packages=minimal needs about {_size(less)} less" if less else ""


def _size(space: int) -> str:
    return f"{space / GIB:.1f} GiB" if space >= GIB // 10 else f"{-(-space // MIB)} MiB"


def describe_late(late: Sequence[LateMount]) -> str:
    """What it means that a home is mounted at login, for people."""
    mounts = " and ".join(map(str, late))
    return (
        f"{mounts} is mounted at login, not when the machine starts: the services start when the "
        "user logs in, and end when they log out"
    )


def full_disks(said: Iterable[str], rooms: Iterable[str]) -> list[str]:
    """What to say of full file systems after a command has failed, which has said this.

    `rooms` are lines of full-disks.sh: free bytes, files, free files, mount.
    """
    words = " ".join(said)
    if "Disk quota exceeded" in words:
        return ["disk: the user's quota is used up (quota -s); what is done is kept: run again"]
    found = sorted((line.split(maxsplit=3) for line in rooms), key=lambda room: int(room[0]))
    full = [room for room in found if int(room[0]) < 16 * MIB or _no_more_files(room)]
    if FULL.search(words):
        full = full or found[:1]
    return [
        f"disk: {room[3]} has {'no inodes' if _no_more_files(room) else _size(int(room[0]))} free; "
        "free some, and run again: what is done is kept"
        for room in full
    ]


def _no_more_files(room: Sequence[str]) -> bool:
    return room[1] not in ("-", "0") and room[2] == "0"
