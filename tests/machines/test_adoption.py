"""A machine set up by hand after the original guide is taken over, and nobody loses anything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import boxes
from tests.boxes import Box, Request
from tests.boxes.system import SOURCES
from tests.machines import guide
from tests.machines.deploying import Run, deployed, raise_boxes, sample, transcript
from tests.machines.load import Load
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken

SERVICES = "/home/ada/.voicemode/services"
CHECKOUT = f"{SERVICES}/whisper.cpp"
ENV = "/home/ada/.voicemode/voicemode.env"
OLD_SCRIPT = "models/download-ggml-model.sh"  # the guide's user edited it: see guide.MODEL_URL
OLD_SOURCE = "examples/server/server.cpp"
EDIT = "// changed by hand"
RATE = 2  # requests a second
# A restart takes a second or two, and on a machine with other work several times that. A build, in
# which nothing is to be felt, takes longer.
ONE_RESTART = 15  # seconds

# What the user of the machine has done besides following the guide.
OWN = f"""\
cd {CHECKOUT}
echo "{EDIT}" >> {OLD_SOURCE}
echo 'make -C build -j2' > rebuild.sh
git add rebuild.sh
git -c user.name=Ada -c user.email=ada@example.invalid commit -q -m 'Rebuild with one command'
echo 'ask for the big model' > notes.txt
head -c 100000 /dev/urandom > models/ggml-my-own.bin
mkdir build-vulkan && echo 'half done' > build-vulkan/CMakeCache.txt

cat > {ENV} <<'END'
# my settings
VOICEMODE_VOICES=nova,shimmer

export VOICEMODE_DEBUG=true
END
cat > ~/.config/systemd/user/mine.service <<'END'
[Service]
ExecStart=sleep infinity
[Install]
WantedBy=default.target
END
systemctl --user daemon-reload
systemctl --user enable -q --now mine.service
"""

# Every file and link of the home, with what is in it. git looks after its own; pip's cache is one.
CONTENTS = """\
find ~ \\( -name .git -o -path ~/.cache \\) -prune -o -type f -exec sha256sum {} + \
  -o -type l -printf '%l  %p\\n'
"""


@dataclass(frozen=True)
class ByHand:
    """A box that was set up by hand, and what there was on it."""

    box: Box
    contents: dict[str, str]
    tracked: set[str]
    packages: set[str]
    fetched: set[str]
    mine: str


@dataclass(frozen=True)
class Adoption:
    """The run that took it over, while clients sent requests."""

    run: Run
    load: Load
    requests: list[Request]
    starts: int


@pytest.fixture(scope="module")
def by_hand() -> Iterator[ByHand]:
    with raise_boxes("adopted") as (box,):
        mark = boxes.mark()
        guide.follow(box)
        box.run("bash -e", input=OWN)
        assert is_spoken(transcript(box))
        yield ByHand(
            box=box,
            contents=contents(box),
            tracked=tracked(box),
            packages=set(box.run("pacman -Q | tr ' ' -").stdout.split()),
            fetched=downloads(boxes.requests_since(mark, box.address)),
            mine=invocation(box, "mine.service"),
        )


@pytest.fixture(scope="module")
def adoption(by_hand: ByHand) -> Adoption:
    return adopt(by_hand.box)


def adopt(box: Box) -> Adoption:
    """Deploy to a box that serves, while clients send requests."""
    before, mark = starts(box), boxes.mark()
    with tunnel(box, 2023) as url:
        load = Load(url, sample(box), RATE)
        with load.at_work():
            run = deployed(box)
    return Adoption(run, load, boxes.requests_since(mark, box.address), starts(box) - before)


def contents(box: Box) -> dict[str, str]:
    """What every file holds, as its SHA-256, and where every link points, by path."""
    lines = box.run(CONTENTS).stdout.splitlines()
    return {path: held for held, _, path in (line.partition("  ") for line in lines)}


def tracked(box: Box) -> set[str]:
    """The paths of the files of the checkout that are git's."""
    names = box.run(f"cd {CHECKOUT} && git ls-files").stdout.splitlines()
    return {f"{CHECKOUT}/{name}" for name in names}


def starts(box: Box) -> int:
    """How often systemd has started whisper-server."""
    started = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"  # SD_MESSAGE_UNIT_STARTED
    command = f"journalctl -q -o cat {started} USER_UNIT=voicemode-whisper.service"
    return len(box.run(command, user="root").stdout.splitlines())


def invocation(box: Box, unit: str) -> str:
    return box.run(f"systemctl --user show -p ActiveState,InvocationID {unit}").stdout


def downloads(requests: list[Request]) -> set[str]:
    """The files that were fetched whole or in part; a 304 says that a copy is still good."""
    return {
        request.path
        for request in requests
        if request.status in (200, 206) and request.path.endswith((".bin", ".whl", ".zst"))
    }


def git(box: Box, arguments: str) -> str:
    return box.run(f"git -C {CHECKOUT} {arguments}").stdout.strip()


def is_kept(path: str, held: str, after: dict[str, str]) -> bool:
    """Whether a file is where it was, or below a directory (or is a file) kept as `….by-hand`."""
    ends = [found.end() for found in re.finditer(r"[^/]+", path)]
    places = [path, *(f"{path[:end]}.by-hand{path[end:]}" for end in ends)]
    return any(after.get(place) == held for place in places)


def test_it_is_taken_over_with_one_restart_and_no_other_outage(adoption: Adoption):
    failed = [answer for answer in adoption.load.answers if answer not in adoption.load.right]
    outage = max(a.ended for a in failed) - min(a.sent for a in failed) if failed else 0
    print(f"{adoption.load}; without service {outage:.1f} s, as {dict(adoption.load.failed)}")
    assert adoption.starts == 1
    assert adoption.load.longest_gap < ONE_RESTART
    assert outage < ONE_RESTART


def test_nothing_is_downloaded_again(by_hand: ByHand, adoption: Adoption):
    fetched = downloads(adoption.requests)
    packages = {name for name in by_hand.packages if any(f"/{name}-x86" in at for at in fetched)}
    assert packages == set()
    assert fetched & by_hand.fetched == set()
    assert {path.split("/")[1] for path in fetched} <= {"pacman", "wheels"}, "no model"
    packs = [request.size for request in adoption.requests if request.method == "POST"]
    print(f"fetched: {len(fetched)} packages and wheels, packs of {packs} bytes from git")
    assert len(packs) == 1


def test_nothing_of_the_user_s_is_deleted(by_hand: ByHand, adoption: Adoption):
    after = contents(by_hand.box)
    gone = {
        path
        for path, held in by_hand.contents.items()
        if path not in by_hand.tracked and path != ENV and not is_kept(path, held, after)
    }
    assert gone == set()


def test_the_guide_s_build_and_virtual_environment_are_kept_whole(
    by_hand: ByHand, adoption: Adoption
):
    after = contents(by_hand.box)
    for name in ("whisper.cpp/build", "whisper-proxy-venv"):
        old, kept = f"{SERVICES}/{name}/", f"{SERVICES}/{name}.by-hand/"
        parts = {path.removeprefix(old) for path in by_hand.contents if path.startswith(old)}
        assert len(parts) > 100
        assert {part for part in parts if kept + part not in after} == set()


def test_edits_are_set_aside_and_said_to_be(by_hand: ByHand, adoption: Adoption):
    assert f"local changes in {CHECKOUT} were set aside: git stash list" in adoption.run.output
    assert git(by_hand.box, "stash list").count("\n") == 0
    assert EDIT in git(by_hand.box, f"show stash@{{0}}:{OLD_SOURCE}")
    assert f'src="{SOURCES}"' in git(by_hand.box, f"show stash@{{0}}:{OLD_SCRIPT}")
    assert git(by_hand.box, f"diff HEAD -- {OLD_SOURCE} {OLD_SCRIPT}") == ""


def test_the_clone_keeps_its_history_its_branch_and_its_remote(by_hand: ByHand, adoption: Adoption):
    box = by_hand.box
    assert git(box, "log --format=%s HEAD").splitlines() == [
        f"release : {version}" for version in ("v1.9.1", "v1.7.5", "v1.7.3")
    ]
    assert git(box, "log --format=%s master").splitlines() == [
        "Rebuild with one command", "release : v1.7.5", "release : v1.7.3",
    ]  # fmt: skip
    assert git(box, "rev-parse --is-shallow-repository") == "false"
    assert git(box, "remote get-url origin") == guide.OLD_URL
    assert git(box, "fsck --no-dangling --no-progress 2>&1") == ""


def test_what_has_nothing_to_do_with_it_is_untouched(by_hand: ByHand, adoption: Adoption):
    assert invocation(by_hand.box, "mine.service") == by_hand.mine
    env = by_hand.box.run(f"cat {ENV}").stdout
    assert env == (
        "# my settings\nVOICEMODE_VOICES=nova,shimmer\n\nexport VOICEMODE_DEBUG=true\n"
        "VOICEMODE_STT_BASE_URLS=http://127.0.0.1:2023/v1\n"
    )


def test_it_serves_and_a_second_run_changes_nothing(by_hand: ByHand, adoption: Adoption):
    box = by_hand.box
    assert "/builds/v1.9.1-" in box.run(f"realpath {CHECKOUT}/build").stdout
    assert is_spoken(transcript(box))
    assert deployed(box).changes == 0


CHECK_OUT = """
from voicemode_whisper.operations import git

git.checkout(repo="{repo}", commit="{commit}", path="{path}")
"""


@pytest.fixture
def shallow() -> Iterator[Box]:
    """A box with a shallow clone of the old version, and edits in it."""
    with raise_boxes("shallow") as (box,):
        box.run(f"sudo pacman -Syu --noconfirm git && mkdir -p {SERVICES}")
        box.run("bash -e", input=f"cd {SERVICES}\n{shallow_clone()}")
        box.run(f"cd {CHECKOUT} && echo '{EDIT}' >> {OLD_SOURCE} && echo mine > notes.txt")
        yield box


def shallow_clone() -> str:
    whole = "git clone -q --single-branch"
    assert whole in guide.CLONE
    return guide.CLONE.replace(whole, "git clone -q --depth 1")


def test_a_shallow_clone_is_brought_forward_too(
    shallow: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """That stage alone: the others see no difference between a shallow clone and a full one."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    repo = f"{SOURCES}/git/whisper.cpp"
    commit = git(shallow, f"ls-remote {repo} refs/tags/v1.9.1").split()[0]
    (tmp_path / "my_deploy.py").write_text(
        CHECK_OUT.format(repo=repo, commit=commit, path=CHECKOUT)
    )
    run = deployed(shallow, file="my_deploy.py", cwd=tmp_path)
    assert "were set aside: git stash list" in run.output
    assert git(shallow, "rev-parse HEAD") == commit
    assert git(shallow, "rev-list --count HEAD master") == "2"
    assert EDIT in git(shallow, f"show stash@{{0}}:{OLD_SOURCE}")
    assert git(shallow, "status --short") == "?? notes.txt"
    assert git(shallow, "remote get-url origin") == guide.OLD_URL
    assert deployed(shallow, file="my_deploy.py", cwd=tmp_path).changes == 0
