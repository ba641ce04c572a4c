"""Where a run writes: what is refused, in a line each, and what is told."""

import shlex
from dataclasses import replace

import pytest

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.places import (
    GIB,
    MIB,
    LateMount,
    Places,
    Room,
    Step,
    Trouble,
    check_home,
    check_rights,
    check_room,
    describe_late,
    describe_packages,
    full_disks,
    parse_places,
    steps,
)

HOME, SERVICES = "/home/ada", "/home/ada/.voicemode/services"
ROOMS = (
    Room(2 * GIB, None, "/home", SERVICES),
    Room(9 * GIB, None, "/", "/var/cache/pacman/pkg"),
    Room(9 * GIB, None, "/", "/"),
)
READY = Places(rooms=ROOMS, venv="../../venv")


@pytest.mark.parametrize(
    "home",
    [HOME, "/srv/Ada Löve (%h)! @x+y=1~^-", "/home/corp.lan/ada", "/home/CORP/ada", "/h/日本"],
)
def test_a_home_may_have_any_name_that_tools_take(home: str):
    check_home(home)


@pytest.mark.parametrize(
    ("home", "named"),
    [
        ("/home/a$b", "with '$' in it"),
        ('/home/a"b', "with '\"' in it"),
        ("/home/CORP\\ada", r"with '\\' in it"),
        ("/home/a;b:c", "with ': ;' in it"),
        ("/home/a\tb", r"with '\t' in it"),
        ("/home/a,b", "with ',' in it"),
        # systemd runs no program whose path has a quote.
        ("/home/a'b", 'with "\'" in it'),
        ("/", "needed is a directory of the user's own"),
        ("ada", "needed is a directory of the user's own"),
    ],
)
def test_another_is_refused_with_what_is_odd_about_it(home: str, named: str):
    with pytest.raises(UserError, match="home: got ") as error:
        check_home(home)
    (line,) = error.value.lines
    assert named in line


def refusal(trouble: Trouble, user: str = "ada") -> str:
    with pytest.raises(UserError) as error:
        check_rights(Places(troubles=(trouble,)), user)
    (line,) = error.value.lines
    return line


CONFIG, DATA = "/home/ada/.config", "/data/voicemode"


@pytest.mark.parametrize(
    ("trouble", "line"),
    [
        (
            ("foreign", "root", CONFIG, CONFIG),
            "belongs to root, and ada may not write to it; "
            "run: sudo chown -R ada: /home/ada/.config",
        ),
        (
            ("foreign", "root", "/home/ada/.voicemode", DATA),
            "may not write to it; run: sudo chown ada: /data/voicemode",
        ),
        (
            ("foreign", "root", *[f"{SERVICES}/whisper.cpp/.git/objects/0a"] * 2),
            f"run: sudo chown -R ada: {SERVICES}/whisper.cpp",
        ),
        (("closed", "500", CONFIG, CONFIG), "has the mode 500, which keeps ada out; run: chmod u+"),
        (("foreign", "root", "/tmp", "/tmp"), "may not write to /tmp; run: sudo chmod 1777 /tmp"),
        (
            ("read-only", "/home", CONFIG, CONFIG),
            "is on /home, which is mounted read-only; run: sudo mount -o remount,rw /home",
        ),
        (
            ("noexec", "/home", HOME, HOME),
            "is on /home, which is mounted noexec, and no program that is built there can run; "
            "take noexec out of /etc/fstab, and run: sudo mount -o remount,exec /home",
        ),
        (("immutable", "", CONFIG, CONFIG), "is immutable; run: sudo chattr -i /home/ada/.config"),
        (
            ("file", "", CONFIG, CONFIG),
            "is a file, and has to be a directory; run: mv /home/ada/.config /home/ada/.config.old",
        ),
        (
            ("dangling", "/mnt/usb", "/home/ada/.voicemode", "/mnt/usb"),
            "is a link to /mnt/usb, which is not there; make or mount that",
        ),
        (
            ("moved", "/data/w", f"{SERVICES}/whisper.cpp", "/data/w"),
            f"is a link to /data/w, but its place is beside what else is in {SERVICES}",
        ),
        (("missing", "", HOME, HOME), "there is no /home/ada, the home of ada; make it, or if"),
        (("locked", "", HOME, HOME), "is encrypted, and not open now; log in as ada with the"),
        (("refused", "Required key not available", HOME, HOME), "is encrypted, and not open now"),
        (("refused", "Disk quota exceeded", HOME, HOME), "Disk quota exceeded; run: quota -s"),
        (("refused", "Input/output error", HOME, HOME), "nothing can be made in /home/ada: Input/"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_to_is_one_line_with_what_to_run(
    trouble: tuple[str, str, str, str], line: str
):
    said = refusal(Trouble(*trouble))
    assert said.startswith("rights: ")
    assert line in said


def test_names_are_quoted_for_the_shell():
    said = refusal(Trouble("foreign", "root", *["/home/ada p/.config"] * 2), "ada p")
    command = shlex.split(said.partition("run: ")[2])
    assert command == ["sudo", "chown", "-R", "ada p:", "/home/ada p/.config"]


def test_every_trouble_has_its_line():
    check_rights(Places(), "ada")
    troubles = (Trouble("immutable", "", CONFIG, CONFIG), Trouble("file", "", HOME, HOME))
    with pytest.raises(UserError) as error:
        check_rights(Places(troubles=troubles), "ada")
    assert len(error.value.lines) == 2


def test_what_has_one_cause_is_said_once():
    below = f"{CONFIG}/systemd/user"
    troubles = (
        Trouble("foreign", "root", CONFIG, CONFIG),
        Trouble("foreign", "root", below, below),
        Trouble("read-only", "/home", DATA, DATA),
        Trouble("read-only", "/home", HOME, HOME),
    )
    with pytest.raises(UserError) as error:
        check_rights(Places(troubles=troubles), "ada")
    assert [line.split()[1] for line in error.value.lines] == [CONFIG, DATA]


def test_a_run_with_nothing_to_do_needs_next_to_nothing():
    wanted = steps(READY, (), 0)
    assert [step.name for step in wanted] == ["the run's notes"]
    check_room(READY, wanted)
    check_room(replace(READY, rooms=(replace(ROOMS[0], free=2 * MIB), *ROOMS[1:])), wanted)


def test_what_is_not_there_yet_needs_room_on_the_file_system_where_it_will_be():
    fresh = replace(READY, venv="", missing=("cmake", "rocm-hip-sdk"))
    wanted = steps(fresh, ("hip",), 487 * MIB)
    with pytest.raises(UserError) as error:
        check_room(fresh, wanted)
    assert error.value.lines == (
        f"disk: {SERVICES} has 2.0 GiB free; needed are 3.6 GiB on /home: "
        "1 MiB for the run's notes, 3.0 GiB for the build, 0.5 GiB for the model, "
        "100 MiB for the proxy's Python packages",
        "disk: /var/cache/pacman/pkg has 9.0 GiB free; needed are 20.0 GiB on /: "
        "4.0 GiB for packages to download, 16.0 GiB for packages to install; "
        "rocm_packages=minimal needs about 14.0 GiB less",
    )


def test_steps_on_one_file_system_are_added_up():
    one = replace(READY, rooms=tuple(replace(room, mount="/", free=9 * GIB) for room in ROOMS))
    check_room(one, [Step("a", 5 * GIB), Step("b", 4 * GIB, place=2)])
    with pytest.raises(UserError, match=r"has 9\.0 GiB free; needed are 9\.1 GiB on /: 5\.0"):
        check_room(one, [Step("a", 5 * GIB), Step("b", 4 * GIB + 100 * MIB, place=2)])


@pytest.mark.parametrize(
    ("missing", "known", "sizes"),
    [
        (("cmake",), (18, 40), (18, 40)),
        (("cmake",), (None, None), (100 * MIB, 500 * MIB)),
        (("rocm-hip-sdk",), (None, None), (4 * GIB, 16 * GIB)),
        (("rocm-hip-sdk",), (0, 7 * GIB), (0, 7 * GIB)),
        (("hip-runtime-amd", "rocm-llvm"), (None, None), (1 * GIB, 5 * GIB)),
    ],
)
def test_what_pacman_knows_of_packages_counts(missing, known, sizes):
    places = replace(READY, missing=missing, to_download=known[0], to_install=known[1])
    assert [step.space for step in steps(places, (), 0)[1:]] == list(sizes)


def test_two_builds_need_the_room_of_both():
    _, builds = steps(READY, ("hip", "vulkan"), 0)
    assert (builds.name, builds.space) == ("the builds", 5 * GIB)


def test_what_packages_take_of_which_disk_is_said_before():
    sdk = replace(READY, missing=("rocm-hip-sdk",), to_download=5 * GIB, to_install=20 * GIB)
    assert describe_packages(sdk) == (
        "packages: about 5.0 GiB on / to download, 20.0 GiB on / to install; of ROCm, "
        "rocm_packages=minimal takes about 1.0 GiB and 5.0 GiB"
    )
    small = replace(READY, missing=("cmake",), to_download=20 * MIB, to_install=60 * MIB)
    said = "packages: about 20 MiB on / to download, 60 MiB on / to install"
    assert describe_packages(small) == said
    assert describe_packages(READY) == ""


def test_files_are_counted_where_the_file_system_counts_them():
    few = replace(READY, rooms=(replace(ROOMS[0], files=12), *ROOMS[1:]))
    check_room(few, [Step("a", 1, files=12)])
    with pytest.raises(UserError, match=r"has room for 12 more files \(df -i\); needed are abou"):
        check_room(few, [Step("a", 1, files=13)])
    check_room(READY, [Step("a", 1, files=10**9)])


@pytest.mark.parametrize("lines", [[], ["rubbish"], ["room\t1\t0\t0\t/\t/"] * 2, ["room\t1"] * 3])
def test_other_places_are_not_read(lines: list[str]):
    with pytest.raises((ValueError, TypeError)):
        parse_places(lines)


def test_a_home_that_comes_with_the_login_is_told_of():
    assert describe_late([LateMount("ecryptfs", HOME), LateMount("ext4", "/data")]).startswith(
        "/home/ada (ecryptfs) and /data (ext4) is mounted at login"
    )


FULL, EMPTY = "4096 655360 60000 /home", "99999999999 655360 600000 /"


@pytest.mark.parametrize(
    ("said", "rooms", "told"),
    [
        ([], [EMPTY], []),
        ([], [EMPTY, FULL], ["disk: /home has 1 MiB free"]),
        (["cc: No space left on device"], [EMPTY], ["disk: / has 93.1 GiB free"]),
        (["cc: No space left on device"], [EMPTY, FULL], ["disk: /home has 1 MiB free"]),
        ([], ["99999999999 655360 0 /my disk"], ["disk: /my disk has no inodes free"]),
        ([], ["99999999999 0 0 /"], []),
        (["Disk quota exceeded"], [FULL], ["disk: the user's quota is used up (quota -s)"]),
    ],
)
def test_after_a_failure_a_full_disk_is_named(said, rooms, told):
    lines = full_disks(said, rooms)
    assert len(lines) == len(told)
    for line, beginning in zip(lines, told, strict=True):
        assert line.startswith(beginning)
        assert "what is done is kept" in line
