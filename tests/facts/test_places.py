"""What places.sh makes of real directories, as an ordinary user, and of made-up mounts."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.facts.answers import program
from voicemode_whisper.core.places import LateMount, Places, Trouble
from voicemode_whisper.facts import places

IS_ROOT = os.geteuid() == 0
NOBODY = 65534
# systemctl, for which a file named after unit and property has its value.
SYSTEMCTL = 'for unit; do :; done; cat "${0%/*}/$(echo "$unit $3" | tr / _)" 2> /dev/null; true'
FINDMNT = """case "$*" in
  *TARGET*) echo "${MOUNT:-/}" ;;
  *FSTYPE*) echo "${FSTYPE:-ext4}" ;;
  *OPTIONS*) echo "${OPTIONS:-rw}" ;;
esac"""


@pytest.fixture
def home() -> Iterator[Path]:
    """The home directory of a user who is not root."""
    above = Path(tempfile.mkdtemp(prefix="places-", dir="/var/tmp"))
    above.chmod(0o755)
    made = above / "ada löve p"
    made.mkdir()
    (made / ".config/systemd/user").mkdir(parents=True)
    (made / ".voicemode/services/whisper.cpp/.git/objects").mkdir(parents=True)
    (made / ".voicemode/services/lock").touch()
    if IS_ROOT:
        for path in (made, *made.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    yield made
    for path in above.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(above)


def found(home: Path, environment: Mapping[str, str] | None = None) -> Places:
    """The fact's value for the user whose home this is."""
    command = places.Places().command(home=str(home), packages=()).get_raw_value()
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True, text=True, check=True, env={**os.environ, **(environment or {})},
        user=NOBODY if IS_ROOT else None, extra_groups=[] if IS_ROOT else None,
    )  # fmt: skip
    return places.Places().process(done.stdout.splitlines())


def troubles(home: Path) -> list[Trouble]:
    return list(found(home).troubles)


def test_a_home_of_one_s_own_is_no_trouble(home: Path):
    said = found(home)
    assert said.troubles == ()
    assert said.late == ()
    assert [room.path for room in said.rooms][::2] == [f"{home}/.voicemode/services", "/"]
    free = shutil.disk_usage(home).free
    assert abs(said.rooms[0].free - free) < 2**30


def test_nor_is_one_with_nothing_in_it(home: Path):
    shutil.rmtree(home / ".config")
    shutil.rmtree(home / ".voicemode")
    assert troubles(home) == []
    assert list(home.iterdir()) == []


@pytest.mark.skipif(not IS_ROOT, reason="needs a file of another user")
@pytest.mark.parametrize(
    "name",
    [
        ".config/systemd/user",
        ".voicemode",
        ".voicemode/services",
        ".voicemode/services/whisper.cpp",
        ".voicemode/services/whisper.cpp/.git/objects",
        ".voicemode/services/lock",
    ],
)
def test_what_belongs_to_another_is_named(home: Path, name: str):
    path = str(home / name)
    os.chown(path, 0, 0)
    assert troubles(home) == [Trouble("foreign", "root", path, path)]


@pytest.mark.skipif(not IS_ROOT, reason="needs a file of another user")
def test_a_directory_above_matters_only_where_something_is_to_be_made_in_it(home: Path):
    os.chown(home / ".config", 0, 0)
    assert troubles(home) == []
    (home / ".config/systemd/user").rmdir()
    (home / ".config/systemd").rmdir()
    assert [trouble.path for trouble in troubles(home)] == [f"{home}/.config"]


def test_a_directory_without_the_right_to_write(home: Path):
    path = home / ".voicemode/services/whisper.cpp"
    path.chmod(0o555)
    if IS_ROOT or not os.access(path, os.W_OK):
        assert troubles(home) == [Trouble("closed", "555", str(path), str(path))]


def test_a_file_where_a_directory_belongs(home: Path):
    path = home / ".config/systemd/user"
    path.rmdir()
    path.touch()
    assert troubles(home) == [Trouble("file", "", str(path), str(path))]


def test_links(home: Path):
    services = home / ".voicemode"
    services.rename(home / "elsewhere")
    services.symlink_to(home / "elsewhere")
    assert troubles(home) == []
    services.unlink()
    services.symlink_to(home / "gone")
    (dangling,) = troubles(home)
    assert dangling == Trouble("dangling", f"{home}/gone", str(services), f"{home}/gone")


def test_a_checkout_elsewhere_is_not_where_links_lead(home: Path):
    checkout = home / ".voicemode/services/whisper.cpp"
    checkout.rename(home / "w")
    checkout.symlink_to(home / "w")
    assert [trouble.kind for trouble in troubles(home)] == ["moved"]


def test_before_the_first_run_it_is_tried(home: Path):
    (home / ".voicemode/services/lock").unlink()
    assert troubles(home) == []
    programs = home.parent / "bin"
    program(programs, "mkdir", "echo 'mkdir: cannot create: Required key not available' >&2; false")
    path = f"{programs}:{os.environ['PATH']}"
    (trouble,) = found(home, {"PATH": path}).troubles
    assert (trouble.kind, trouble.detail) == ("refused", "Required key not available")
    assert trouble.path == f"{home}/.voicemode/services"


BEGAN = {"systemd-user-sessions.service ActiveEnterTimestampMonotonic": "1000"}


def mounted(home: Path, values: Mapping[str, str], **mount: str) -> tuple[LateMount, ...]:
    """What is late, where systemd and findmnt say this of the home's file system."""
    programs = home.parent / "bin"
    program(programs, "systemctl", SYSTEMCTL)
    program(programs, "findmnt", FINDMNT)
    for name, value in {
        **BEGAN,
        **{f"{home} {key}": value for key, value in values.items()},
    }.items():
        (programs / name.replace("/", "_")).write_text(f"{value}\n")
    path = f"{programs}:{os.environ['PATH']}"
    return found(home, {"PATH": path, "MOUNT": str(home), **mount}).late


def test_where_programs_may_not_run(home: Path):
    programs = home.parent / "bin"
    program(programs, "findmnt", FINDMNT)
    path = f"{programs}:{os.environ['PATH']}"
    services = f"{home}/.voicemode/services"
    mount = {"PATH": path, "MOUNT": "/home", "OPTIONS": "rw,noexec,relatime"}
    assert found(home, mount).troubles == (Trouble("noexec", "/home", services, services),)
    assert found(home, {**mount, "OPTIONS": "rw,noexecutor"}).troubles == ()


@pytest.mark.parametrize(
    ("values", "mount", "is_late"),
    [
        ({"ActiveEnterTimestampMonotonic": "2000"}, {}, True),
        ({"ActiveEnterTimestampMonotonic": "500"}, {}, False),
        ({}, {}, False),
        (
            {
                "ActiveEnterTimestampMonotonic": "2000",
                "FragmentPath": "/run/systemd/generator/home.mount",
                "RequiredBy": "local-fs.target",
            },
            {},
            False,
        ),
        # noauto
        ({"ActiveEnterTimestampMonotonic": "2000", "FragmentPath": "/run/x.mount"}, {}, True),
        (
            {"ActiveEnterTimestampMonotonic": "2000", "TriggeredBy": "home.automount"},
            {},
            False,
        ),
        ({"ActiveEnterTimestampMonotonic": "2000"}, {"FSTYPE": "autofs"}, False),
        (
            {"ActiveEnterTimestampMonotonic": "2000"},
            {"FSTYPE": "autofs", "OPTIONS": "rw,sec=krb5p,x"},
            True,
        ),
        ({}, {"FSTYPE": "nfs4", "OPTIONS": "rw,sec=krb5"}, True),
        ({}, {"FSTYPE": "nfs4", "OPTIONS": "rw,sec=sys"}, False),
    ],
)
def test_what_is_mounted_after_the_boot_is_late(home: Path, values, mount, is_late: bool):
    kind = mount.get("FSTYPE", "ext4")
    assert mounted(home, values, **mount) == ((LateMount(kind, str(home)),) if is_late else ())


def test_a_home_that_its_file_system_encrypts_is_late(home: Path):
    program(home.parent / "bin", "lsattr", 'for path; do :; done; echo "----E---- $path"')
    assert mounted(home, {}) == (LateMount("fscrypt", str(home)),)
