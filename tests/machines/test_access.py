"""Groups that a user joins while their service manager runs, where a card seems to be."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.boxes import Box
from tests.machines import card
from tests.machines.deploying import ROOT, Run, deployed, raise_boxes

DEPLOY = """
from tasks import access

access.grant()
"""
JOIN = "Access | Join the render and video groups"
LINGER = "Access | Run services without a login"
COUNT = "Access | Have the groups count at once"


@pytest.fixture(scope="module")
def machine() -> Iterator[Box]:
    """A box with a card, as far as KFD's topology goes."""
    with raise_boxes("acc-groups") as (fresh,):
        card.show(fresh)
        yield fresh


@pytest.fixture
def box(machine: Box) -> Box:
    """The machine with ada in none of the groups, and nothing of hers running."""
    machine.run(
        "loginctl disable-linger ada; gpasswd -d ada render; gpasswd -d ada video;"
        "systemctl stop desktop user@$(id -u ada)",
        user="root",
        check=False,
    )
    return machine


@pytest.fixture
def grant(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Run]:
    """Run this stage alone on the box."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "my_deploy.py").write_text(DEPLOY)

    def run() -> Run:
        data = {"whisper_backend": "hip", "gpu_kfd": card.KFD}
        return deployed(box, file="my_deploy.py", cwd=tmp_path, **data)

    return run


def start_service(box: Box) -> None:
    """Have a service of ada's run that goes on when she is away."""
    box.run("sudo loginctl enable-linger ada && systemd-run --user --unit=music sleep 1000")


def start_desktop(box: Box) -> None:
    """Have ada logged in as a display manager does it."""
    session = "-p PAMName=login -p User=ada -E XDG_SESSION_TYPE=wayland sleep 1000"
    box.run(f"loginctl enable-linger ada; systemd-run --unit=desktop {session}", user="root")
    box.run("until loginctl show-user ada -p Display | grep -q =.; do sleep 0.1; done")


def manager(box: Box) -> str:
    """The process of ada's service manager."""
    return box.run("systemctl show -p MainPID --value user@$(id -u)").stdout.strip()


def in_manager(box: Box, command: str) -> str:
    """What a command says that ada's service manager runs."""
    words = ["systemd-run", "--user", "--quiet", "--wait", "--pipe", "sh", "-c", command]
    return box.run(shlex.join(words)).stdout.strip()


def can_open(box: Box) -> bool:
    """Whether a service of ada's can read and write all devices."""
    opened = " && ".join(f"exec 3<>{path}" for path in card.DEVICES)
    return in_manager(box, f"({opened}) 2>/dev/null && echo yes || echo no") == "yes"


def granted(box: Box) -> list[str]:
    """The devices that have an entry for ada in their ACL."""
    said = box.run(f"getfacl -p {' '.join(card.DEVICES)}").stdout.split("\n\n")
    return [block.split()[2] for block in said if "user:ada:" in block]


def test_a_manager_that_nobody_uses_is_restarted(box: Box, grant: Callable[[], Run]):
    card.make_devices(box, "660")
    login = box.run("sleep 1000 >/dev/null 2>&1 & echo $!").stdout.strip()
    before = manager(box)
    assert "render" not in in_manager(box, "id -nG")
    run = grant()
    assert run.changed == {JOIN, LINGER, COUNT}
    assert manager(box) != before
    assert {"render", "video"} <= set(in_manager(box, "id -nG").split())
    assert box.run(f"cat /proc/{login}/comm").stdout == "sleep\n", "what ada left is there"
    # The connection of that run was older than the groups, and a build is proved through it.
    assert "this connection is from before ada joined render and video" in run.output
    assert granted(box) == list(card.DEVICES)
    assert grant().changes == 0


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (start_service, "music.service runs there"),
        (start_desktop, "ada is logged in at a desktop"),
    ],
)
def test_where_somebody_uses_it_the_devices_are_opened(
    box: Box, grant: Callable[[], Run], start: Callable[[Box], None], reason: str
):
    card.make_devices(box, "660")
    start(box)
    before = manager(box)
    assert not can_open(box)
    run = grant()
    assert run.changed == {JOIN, COUNT}
    assert (
        "ada's service manager lacks render and video and was not restarted, as "
        f"{reason}; until the next boot ada may use /dev/kfd and /dev/dri/renderD128"
    ) in run.output
    assert manager(box) == before
    assert "render" not in in_manager(box, "id -nG")
    assert can_open(box)
    again = grant()
    assert again.changes == 0
    assert "service manager" not in again.output


def test_from_the_next_boot_on_the_groups_count(box: Box, grant: Callable[[], Run]):
    card.make_devices(box, "660")
    start_service(box)
    grant()
    box.reboot()
    card.make_devices(box, "660")
    assert can_open(box)
    assert grant().changes == 0
    assert granted(box) == []


def test_where_the_devices_are_open_to_all_nothing_is_given_and_nothing_said(
    box: Box, grant: Callable[[], Run]
):
    card.make_devices(box, "666")
    start_service(box)
    before = manager(box)
    run = grant()
    assert run.changed == {JOIN}
    assert "ada's service manager" not in run.output
    assert manager(box) == before
    assert granted(box) == []
    assert grant().changes == 0
