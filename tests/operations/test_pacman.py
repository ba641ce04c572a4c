"""pacman.sh on a made-up database, with a pacman that only says what it was asked.

What it says when it fails is what pacman 7.0 said on a box.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.facts.answers import answer, program
from voicemode_whisper.facts.pacman import MissingPackages
from voicemode_whisper.scripts import words

INSTALL = ("-Syu", "--needed", "--noconfirm")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Of two packages one was cut off; pacman works."""
    database = tmp_path / "db"
    (database / "local/cmake-4.0-1").mkdir(parents=True)
    (database / "local/cmake-4.0-1/desc").touch()
    (database / "local/firefox-140.0-1").mkdir()
    (database / "local/firefox-140.0-1/files").touch()
    set_pacman(database, 0)
    return database


def set_pacman(database: Path, status: int) -> None:
    """Have a pacman that ends with this status, and misses none of the packages it is asked for."""
    calls = database.parent / "calls"
    text = f'[ "$1" = -T ] && exit 0\necho "$*" >> {calls}\nexit {status}'
    program(database.parent / "bin", "pacman", text)


def paths(database: Path) -> dict[str, Path]:
    """Where what pacman has lies here."""
    return {
        "/var/lib/pacman": database,
        "/var/log/pacman.log": database.parent / "log",
        "/var/cache/pacman/pkg": database.parent,
    }


def missing(database: Path) -> list[str]:
    programs = database.parent / "bin"
    names: list[str] = answer(MissingPackages, paths(database), programs, packages=["cmake"])
    return names


def run(database: Path, *arguments: str) -> tuple[int, str]:
    """The exit status, and what was printed."""
    script = words("pacman", *arguments)
    for path, own in paths(database).items():
        script = [word.replace(path, str(own)) for word in script]
    path = f"{database.parent}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        script, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": path}, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout


def calls(database: Path) -> list[str]:
    return (database.parent / "calls").read_text().splitlines()


def test_what_was_cut_off_is_installed_again_over_its_own_files(database: Path):
    assert missing(database) == ["firefox"]
    status, said = run(database, *INSTALL, "firefox")
    assert (status, said) == (0, "installing firefox again, which was cut off\n")
    assert calls(database) == ["-Syu --needed --noconfirm firefox --overwrite *"]
    assert missing(database) == []
    assert [path.name for path in database.iterdir()] == ["local"]
    assert [path.name for path in (database / "local").iterdir()] == ["cmake-4.0-1"]


def test_it_is_not_forgotten_when_pacman_fails(database: Path):
    set_pacman(database, 1)
    status, said = run(database, *INSTALL, "firefox")
    assert status == 1
    assert "still to be installed again: firefox." in said
    assert missing(database) == ["firefox"]
    set_pacman(database, 0)
    assert run(database, *INSTALL, "firefox")[0] == 0
    assert calls(database) == ["-Syu --needed --noconfirm firefox --overwrite *"] * 2
    assert missing(database) == []


def test_it_is_not_forgotten_when_the_run_is_killed(database: Path):
    program(database.parent / "bin", "pacman", '[ "$1" = -T ] || kill -9 $PPID')
    assert run(database, *INSTALL, "firefox")[0] == -9
    assert missing(database) == ["firefox"]


def test_what_was_cut_off_meanwhile_is_installed_too(database: Path):
    run(database, *INSTALL, "git")
    assert calls(database) == ["-Syu --needed --noconfirm git firefox --overwrite *"]


def test_on_a_whole_database_pacman_is_run_as_it_is(database: Path):
    (database / "local/firefox-140.0-1/desc").touch()
    (database / "db.lck").touch()
    status, said = run(database, *INSTALL, "git")
    assert status == 0
    assert said.startswith("removing ")
    assert calls(database) == ["-Syu --needed --noconfirm git"]
    assert not (database / "db.lck").exists()


def say(database: Path, *runs: str) -> None:
    """Have a pacman that fails with these words, a text a run, and does well after that."""
    calls = database.parent / "calls"
    texts = "".join(
        f"{number}) cat <<'END'\n{text}\nEND\nexit 1 ;;\n" for number, text in enumerate(runs, 1)
    )
    script = (
        f'case "$1" in -T) exit 0 ;; -Qq) echo cachyos-keyring; exit 0 ;; esac\n'
        f'echo "$*" >> {calls}\ncase $(wc -l < {calls}) in {texts} esac'
    )
    program(database.parent / "bin", "pacman", script)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "error: target not found: ninja",
            "no repository has ninja: it was renamed or removed, or /etc/pacman.conf lacks a "
            "repository",
        ),
        (
            "error: failed to commit transaction (conflicting files)\n"
            "ninja: /usr/bin/ninja exists in filesystem\n"
            "ninja: /usr/share/it's mine exists in filesystem (owned by samurai)",
            "/usr/share/it's mine is in the way of ninja (and 1 more): it belongs to samurai; "
            "move it aside, and run again",
        ),
        (
            ":: bb-1-1 and aa-1-1 are in conflict. Remove aa? [y/N] error: unresolvable package "
            "conflicts detected\nerror: failed to prepare transaction (conflicting dependencies)\n"
            "\n:: bb-1-1 and aa-1-1 are in conflict",
            "bb-1-1 and aa-1-1 are in conflict, and which of them stays is for you to say: sudo "
            "pacman -Syu git, answer its questions, and run again",
        ),
        (
            "error: failed to prepare transaction (could not satisfy dependencies)\n\n"
            ":: unable to satisfy dependency 'aa=2' required by cc",
            "unable to satisfy dependency 'aa=2' required by cc, which no repository has, or "
            "IgnorePkg in /etc/pacman.conf holds back: sudo pacman -Syu git shows it",
        ),
        (
            "error: failed retrieving file 'big-1-1-any.pkg.tar.gz' from mirror.lan : The "
            "requested URL returned error: 404\nwarning: failed to retrieve some files\n"
            "error: failed to commit transaction (failed to retrieve some files)",
            "cannot get big-1-1-any.pkg.tar.gz from mirror.lan (The requested URL returned error: "
            "404): the mirror is behind, or in the middle of an update: run again in an hour, or "
            "choose another in /etc/pacman.d",
        ),
        (
            "error: failed retrieving file 'core.db' from mirror.lan : Could not resolve host: "
            "mirror.lan\nerror: failed to synchronize all databases (invalid url for server)",
            "cannot get core.db from mirror.lan (Could not resolve host: mirror.lan): is the "
            "network up? otherwise choose another in /etc/pacman.d",
        ),
        (
            ":: Running pre-transaction hooks...\n(1/1) Checking...\nerror: command failed to "
            "execute correctly\nerror: failed to commit transaction (failed to run transaction "
            "hooks)\nErrors occurred, no packages were upgraded.",
            "nothing was installed, as a hook of pacman's refuses: (1/1) Checking",
        ),
        ("error: out of words", "pacman failed: out of words"),
    ],
)
def test_what_pacman_says_ends_in_one_line_that_says_what_to_do(
    database: Path, text: str, line: str
):
    (database / "local/firefox-140.0-1/desc").touch()
    say(database, text)
    status, said = run(database, *INSTALL, "git")
    assert status == 1
    assert said.splitlines()[-1] == f"packages: {line}"


@pytest.mark.parametrize(
    "text",
    [
        'error: git: signature from "CachyOS <admin@cachyos.org>" is unknown trust\n:: File '
        "/var/cache/pacman/pkg/git-2-1-any.pkg.tar.zst is corrupted (invalid or corrupted package "
        "(PGP signature)).\nDo you want to delete it? [Y/n] error: failed to commit transaction "
        "(invalid or corrupted package (PGP signature))",
        "error: git: missing required signature",
        'error: key "ABC" could not be looked up remotely\n'
        "error: required key missing from keyring",
    ],
)
def test_an_old_keyring_is_named_with_what_renews_it(database: Path, text: str):
    say(database, text)
    line = run(database, *INSTALL, "git")[1].splitlines()[-1]
    first = text.splitlines()[0].removeprefix("error: ")
    assert line.startswith(
        f"packages: {first}: the keyring is older than the packages, or the clock"
    )
    assert line.endswith("; sudo pacman -Sy --needed cachyos-keyring and run again")
    assert len(calls(database)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "error: Partition /var/cache/pacman/pkg too full: 490 blocks needed, 0 blocks free",
        "error: failed retrieving file 'big-1-1-any.pkg.tar.gz' from mirror.lan : Failure writing "
        "output to destination, passed 16384 returned 0",
    ],
)
def test_a_full_disk_is_told_with_its_room(database: Path, text: str):
    say(database, text)
    assert "there is no room: " in run(database, *INSTALL, "git")[1].splitlines()[-1]


DAMAGED = (
    ":: File /var/cache/pacman/pkg/git-2-1-any.pkg.tar.zst is corrupted (invalid or corrupted "
    "package (checksum)).\nDo you want to delete it? [Y/n] error: failed to commit transaction "
    "(invalid or corrupted package (checksum))"
)


def test_a_damaged_package_is_downloaded_once_more(database: Path):
    say(database, DAMAGED)
    assert run(database, *INSTALL, "git")[0] == 0
    assert len(calls(database)) == 2


def test_a_package_that_comes_damaged_twice_is_said_to(database: Path):
    say(database, DAMAGED, DAMAGED)
    status, said = run(database, *INSTALL, "git")
    assert status == 1
    assert "git-2-1-any.pkg.tar.zst came damaged twice" in said.splitlines()[-1]
    assert len(calls(database)) == 2


@pytest.mark.parametrize("tries", [1, 2])
def test_a_web_page_does_not_stay_as_a_database(database: Path, tries: int):
    """pacman asks for what is newer, and the page is newer than every mirror's database."""
    page = database / "sync/core.db"
    page.parent.mkdir()
    page.write_text("<html>")
    text = f"error: could not open file {page}: Unrecognized archive format"
    say(database, *[text] * tries)
    status, said = run(database, *INSTALL, "git")
    assert status == tries - 1
    assert not page.exists()
    if status:
        assert said.splitlines()[-1] == (
            "packages: the mirror of core answers with something else, such as a web page: is a "
            "login page or a proxy in the way?"
        )


def test_hooks_that_were_cut_off_are_run_again(database: Path):
    """pacman was killed after it had installed all packages; its hooks run in a new transaction."""
    (database / "local/firefox-140.0-1/desc").touch()
    (database / "db.lck").touch()
    program(database.parent / "bin", "id", "echo 0")
    now = time.strftime("%FT%T%z")
    (database.parent / "log").write_text(
        "[2020-01-01T00:00:00+0000] [ALPM] transaction started\n"
        f"[{now}] [ALPM] installed old (1)\n"
        f"[{now}] [ALPM] transaction started\n[{now}] [ALPM] installed git (2-1)\n"
        f"[{now}] [ALPM] upgraded linux-cachyos (6-1 -> 6-2)\n"
        f"[{now}] [ALPM] transaction completed\n"
        f"[{now}] [ALPM] running '90-mkinitcpio-install.hook'...\n"
    )
    assert missing(database) == ["git", "linux-cachyos"]
    set_pacman(database, 1)
    run(database, *INSTALL, "git", "linux-cachyos")
    assert missing(database) == ["git", "linux-cachyos"], "it was cut off twice"
    set_pacman(database, 0)
    assert run(database, *INSTALL, "git", "linux-cachyos")[0] == 0
    assert calls(database)[-1] == "-S --noconfirm git linux-cachyos"
    assert missing(database) == []


def test_a_lock_that_a_killed_download_left_asks_for_no_hooks(database: Path):
    (database / "local/firefox-140.0-1/desc").touch()
    left = database.parent / "download-x1Y2z3"
    left.mkdir()
    program(database.parent / "bin", "id", "echo 0")
    (database.parent / "log").write_text(
        "[2020-01-01T00:00:00+0000] [ALPM] transaction started\n"
        "[2020-01-01T00:00:00+0000] [ALPM] installed git (2-1)\n"
    )
    (database / "db.lck").touch()
    assert missing(database) == []
    assert run(database, *INSTALL, "git")[0] == 0
    assert calls(database) == ["-Syu --needed --noconfirm git"]
    assert not left.exists()


def test_another_pacman_is_waited_for_by_name_and_not_for_ever(database: Path):
    program(database.parent / "bin", "sleep", "exec /bin/sleep 0.02")
    clock = database.parent / "clock"
    clock.write_text("0")
    ticking = f"read -r now < {clock}\necho $((now + 250)) | tee {clock}"
    program(database.parent / "bin", "date", ticking)
    with (database / "db.lck").open("w") as held:
        other = subprocess.Popen(["/bin/sleep", "60"], stdin=held)
    try:
        status, said = run(database, *INSTALL, "git")
    finally:
        other.kill()
        other.wait()
    who = f"sleep (process {other.pid})"
    *waited, given_up = said.splitlines()
    assert status == 1
    assert set(waited) == {f"waiting for {who}, which is at work on the packages"}
    assert given_up.startswith(f"packages: {who} has been at work on the packages for 10 minutes")


def test_a_hook_that_failed_after_all_was_installed_is_a_note(database: Path):
    failed = "error: command failed to execute correctly"
    text = f"(1/1) Updating boot...\ncp: No space left on device\n{failed}"
    program(database.parent / "bin", "pacman", f"echo '{text}'")
    assert run(database, *INSTALL, "git")[1].splitlines()[-1] == (
        "packages: they are installed, but a hook of pacman's failed: (1/1) Updating boot: cp: No "
        "space left on device; see to that before the next boot"
    )
