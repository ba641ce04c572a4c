"""Whatever goes wrong in a run, the old version serves on, and the run says what it was."""

import re
import runpy
import shlex
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.boxes import Box, ssh
from tests.machines import spoiled
from tests.machines.cable import Cable
from tests.machines.deploying import (
    INVENTORY,
    ROOT,
    SERVICES,
    Run,
    deploy,
    deployed,
    raise_boxes,
    transcript,
)
from voicemode_whisper.core.speech import is_spoken

pytestmark = pytest.mark.sampled

PLACE = "/home/ada/.voicemode"
UNITS = "/home/ada/.config/systemd/user"
SYSTEMCTL = "systemctl --user --machine=ada@.host"
# What asks for another build than the one that serves, of which ccache knows all.
ANOTHER = {"whisper_version": "v1.7.5"}
BUILDING = "pgrep -f '[c]make --build /home'"
GIT = "git/whisper.cpp"
# Every connection of the deploy's user ends, as when the network is lost.
LOSE_SSH = "pkill -KILL -u ada -f '^sshd-session: ada'"

# A file system of its own for PLACE, and what is left of it when it is full.
DISK = "/srv/small"
FILL = f"mount -o remount,size=$(($(df -B1 --output=used {DISK} | tail -n 1) + 65536)) {DISK}"

# What serves, and what would serve after a restart.
LOOK = rf"""
cd {SERVICES}
server=$(pgrep -x whisper-server) proxy=$(pgrep -f '[m] whisper_proxy')
echo "whisper-server=$server"
echo "proxy=$proxy"
echo "program=$(readlink /proc/$server/exe)"
echo "model=$(realpath current/model)"
echo "build=$(realpath whisper.cpp/build)"
echo "proxy's code=$(realpath whisper-proxy)"
echo "proxy's environment=$(realpath whisper-proxy-venv)"
echo "units=$(cat {UNITS}/voicemode-* | sha256sum)"
echo "health=$(curl -sS http://127.0.0.1:2023/health 2>&1 | sed 's/, "queue".*//')"
"""
PROCESSES = ("whisper-server", "proxy")
ROLLED_BACK = "rolled back to generation"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, box: Box) -> Iterator[spoiled.Host]:
    with spoiled.host(tmp_path_factory.mktemp("spoiled")) as running:
        yield running


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("faults", base=served) as (serving,):
        yield serving


@pytest.fixture(autouse=True)
def fault(box: Box, request: pytest.FixtureRequest) -> Iterator[None]:
    """Time a fault; when it is over, a plain run mends what it left."""
    began = time.monotonic()
    yield
    seconds = time.monotonic() - began
    deployed(box)
    print(f"{request.node.name}: {seconds:.1f} s, then {time.monotonic() - began - seconds:.1f}")


def serving(box: Box) -> dict[str, str]:
    """What LOOK says."""
    return dict(line.split("=", 1) for line in box.run(LOOK, check=False).stdout.splitlines())


@contextmanager
def held(box: Box, *restarted: str) -> Iterator[None]:
    """What served before this context serves after it, and transcribes.

    The very processes do, but for those of PROCESSES that were `restarted`.
    """
    before = serving(box)
    yield
    after = serving(box)
    assert all(after[process] != before[process] for process in restarted)
    processes = dict.fromkeys(restarted)
    assert after | processes == before | processes
    assert is_spoken(transcript(box))


def failure(box: Box, run: Run) -> list[str]:
    """What a run that has failed as it should said about the box."""
    assert run.status == 1, run.output
    assert "Traceback" not in run.output
    return [line for line in run.output.splitlines() if f"[{box.name}]" in line]


def has(lines: list[str], *words: str) -> bool:
    """Whether one line has all these words."""
    return any(all(word in line for word in words) for line in lines)


def struck(
    box: Box, blow: str, *others: Box, then: Callable[[], None] | None = None, **options: object
) -> Run:
    """A run of the deploy in the middle of which a box is struck.

    The command `blow` is run there as root until it succeeds; after that `then` is called.
    """
    strike = f"until {blow}; do sleep 0.02; done"
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(deploy, box, *others, **options)
        box.run(f"timeout 120 sh -c {shlex.quote(strike)}", user="root")
        if then:
            then()
        return run.result()


def test_a_release_that_does_not_compile(box: Box, host: spoiled.Host):
    with held(box):
        said = failure(box, deploy(box, **host.release("v1.9.2")))
    assert has(said, "error:", spoiled.MISSING)


def test_a_release_that_hears_something_else(box: Box, host: spoiled.Host):
    with held(box):
        said = failure(box, deploy(box, **host.release("v1.9.3")))
    assert has(said, "v1.9.3", "rejected")
    assert has(said, spoiled.MISHEARD)


def test_a_release_whose_server_crashes_on_start(box: Box, host: spoiled.Host):
    with held(box):
        said = failure(box, deploy(box, **host.release("v1.9.4")))
    assert has(said, "v1.9.4", "rejected")
    assert has(said, spoiled.LAST_WORDS)


def test_a_release_that_crashes_only_when_it_is_the_service(box: Box, host: spoiled.Host):
    with held(box, *PROCESSES):
        said = failure(box, deploy(box, **host.release("v1.9.5")))
    assert has(said, spoiled.LAST_WORDS)
    assert has(said, ROLLED_BACK, "(whisper.cpp v1.9.1 with tiny.en), which transcribes")


def test_a_release_that_failed_in_service_is_left_alone_by_the_next_runs(
    box: Box, host: spoiled.Host
):
    bad = host.release("v1.9.5")
    failure(box, deploy(box, **bad, retry="yes"))
    with held(box):
        for _ in range(2):
            run = deployed(box, **bad)
            assert run.changes == 0
            assert has(
                run.output.splitlines(),
                "(whisper.cpp v1.9.5 with tiny.en) was rejected",
                "retry=yes",
            )


def test_a_release_that_hears_something_else_only_when_it_is_the_service(
    box: Box, host: spoiled.Host
):
    with held(box, *PROCESSES):
        said = failure(box, deploy(box, **host.release("v1.9.6")))
    assert has(said, "does not transcribe", spoiled.MISHEARD)
    assert has(said, ROLLED_BACK, "(whisper.cpp v1.9.1 with tiny.en), which transcribes")


def test_a_model_that_is_noise(box: Box, host: spoiled.Host):
    with held(box):
        said = failure(box, deploy(box, **host.model("noise.en")))
    assert has(said, "noise.en", "rejected")
    assert has(said, "invalid model data")


def test_a_model_that_hears_something_else(box: Box, host: spoiled.Host):
    with held(box):
        said = failure(box, deploy(box, **host.model("bananas.en")))
    assert has(said, "bananas.en", "rejected")
    assert has(said, "ask not what your bananas can do for you")


def test_a_model_of_the_same_name_that_hears_something_else(box: Box, host: spoiled.Host):
    """The one that serves is still there, byte for byte."""
    name = "ggml-tiny.en.bin"
    before = box.run(f"sha256sum {SERVICES}/whisper.cpp/models/{name}").stdout
    with held(box):
        said = failure(box, deploy(box, **host.model("tiny.en")))
    assert has(said, "whisper.cpp v1.9.1 with tiny.en was rejected")
    assert has(said, "ask not what your cabbage can do for you")
    assert box.run(f"sha256sum {SERVICES}/whisper.cpp/models/{name}").stdout == before
    with held(box):
        assert deployed(box, **host.model("tiny.en")).changes == 0


def test_a_flipped_byte_in_a_download(box: Box, host: spoiled.Host):
    models = f"ls -A {SERVICES}/whisper.cpp/models"
    before = box.run(models).stdout
    with held(box):
        said = failure(box, deploy(box, **host.model("flipped.en")))
    assert has(said, "flipped.en", "does not match its SHA-256")
    assert box.run(models).stdout == before, "what was downloaded is deleted"


def test_a_flipped_byte_in_the_model_that_serves(box: Box):
    """whisper-server may have loaded it."""
    model = f"{SERVICES}/whisper.cpp/models/ggml-tiny.en.bin"
    whole = box.run(f"sha256sum {model}").stdout
    with held(box, "whisper-server"):
        box.run(f"printf x | dd of={model} bs=1 seek=40000000 conv=notrunc status=none")
        assert box.run(f"sha256sum {model}").stdout != whole
        assert deployed(box).changed == {"Model | Have the model tiny.en"}
    assert box.run(f"sha256sum {model}").stdout == whole


def test_a_model_that_is_cut_off_again_and_again(box: Box, host: spoiled.Host):
    """A run has as many tries as bring something, each from where the last one ended."""
    with Cable(host.address, host.port, cut_after=10_000_000) as cable:
        deployed(box, **host.model("whole.en", cable.url))
        assert 70_000_000 < cable.carried < 77_710_000


def test_a_git_host_that_is_gone(box: Box, host: spoiled.Host):
    with Cable(host.address, host.port) as cable:
        cable.cut()
        with held(box):
            said = failure(box, deploy(box, **ANOTHER, whisper_repo=f"{cable.url}/{GIT}"))
    assert has(said, "whisper_repo", f"{cable.url}/{GIT}")


def test_a_git_host_that_goes_away_in_the_middle(box: Box, host: spoiled.Host):
    """It tells which releases it has, and breaks off in the first megabyte of one."""
    with Cable(host.address, host.port, cut_after=1_000_000) as cable, held(box):
        said = failure(box, deploy(box, **ANOTHER, whisper_repo=f"{cable.url}/{GIT}"))
        assert cable.carried > 1_000_000
    assert has(said, "fatal:")


def test_a_package_mirror_that_is_gone(box: Box):
    box.run("pacman -Rdd --noconfirm ccache", user="root")
    with without(box, "/etc/pacman.conf"), held(box):
        said = failure(box, deploy(box))
    assert has(said, "failed retrieving file")


def test_a_package_index_that_is_gone(box: Box, tmp_path: Path):
    """A new lock file for the proxy, whose packages are not to be had."""
    checkout = tmp_path / "checkout"
    parts = shutil.ignore_patterns(".*", "__pycache__", "tests", "bench")
    shutil.copytree(ROOT, checkout, ignore=parts)
    with (checkout / "requirements" / "proxy.lock").open("a") as lock:
        lock.write("# another one\n")
    with without(box, "/etc/pip.conf"), held(box):
        said = failure(box, deploy(box, cwd=checkout))
    assert has(said, "/wheels/", "onnection refused")


@contextmanager
def without(box: Box, configuration: str) -> Iterator[None]:
    """Let a configuration file name a port of the sources' server where nobody listens."""
    kept = "/root/configuration"
    # With one more try instead of five, pip does not take eight seconds to give up.
    edit = "s/:8642/:1/; s/^.global.$/&\\nretries = 1/"
    box.run(f"cp {configuration} {kept} && sed -i '{edit}' {configuration}", user="root")
    try:
        yield
    finally:
        box.run(f"cat {kept} > {configuration}", user="root")


def squatter(port: int) -> str:
    """A command that lets another program listen on a port; without quotes."""
    listen = f"systemd-socket-activate --accept --listen=127.0.0.1:{port} cat"
    return f"systemd-run --quiet --unit=squatter {listen}"


@pytest.fixture
def stopped_squatter(box: Box) -> Iterator[None]:
    yield
    box.run("systemctl stop squatter", user="root", check=False)


@pytest.mark.usefixtures("stopped_squatter")
@pytest.mark.parametrize(("setting", "port"), [("whisper_port", 2032), ("proxy_port", 2033)])
def test_a_port_that_is_taken(box: Box, setting: str, port: int):
    box.run(squatter(port), user="root")
    with held(box):
        said = failure(box, deploy(box, **{setting: port}))
    assert has(said, f"{setting}: {port} is taken by", "squatter.service")


@pytest.mark.usefixtures("stopped_squatter")
@pytest.mark.parametrize(
    ("setting", "port", "file"),
    [
        ("whisper_port", 2034, "server.env"),
        ("proxy_port", 2035, "units/voicemode-whisper-proxy.socket"),
    ],
)
def test_a_port_that_is_taken_while_the_deploy_runs(box: Box, setting: str, port: int, file: str):
    """Another program takes it when the generation has been written, and before it listens.

    That is the machine's fault: the same is tried again when the port is free.
    """
    moment = f"grep -qs {port} {PLACE}/services/generations/*/{file}"
    with held(box, *PROCESSES):
        said = failure(box, struck(box, f"{moment} && {squatter(port)}", **{setting: port}))
    assert has(said, str(port), "in use") or has(said, str(port), "taken")
    box.run("systemctl stop squatter", user="root")
    assert "was rejected" not in deployed(box, **{setting: port}).output


@contextmanager
def small_disk(box: Box) -> Iterator[None]:
    """PLACE on a file system of its own, with little more room than preflight asks for."""
    units = "voicemode-whisper.service voicemode-whisper-proxy.service"
    stop, start = f"{SYSTEMCTL} stop {units}", f"{SYSTEMCTL} start {units}"
    size = f"$(($(du -sB1 {PLACE} | cut -f1) + 1200000000))"
    make = f"mkdir {DISK} && mount -t tmpfs -o size={size} none {DISK} && cp -a {PLACE}/. {DISK}"
    box.run(f"{make} && {stop} && mount --bind {DISK} {PLACE} && {start}", user="root")
    try:
        yield
    finally:
        unmount = f"umount {PLACE} && umount {DISK} && rmdir {DISK}"
        box.run(f"{stop}; {unmount}; {start}", user="root")


def test_a_disk_that_fills_up_during_the_build(box: Box):
    with small_disk(box):
        with held(box):
            said = failure(box, struck(box, f"{BUILDING} && {FILL}", **ANOTHER))
        assert has(said, "No space left on device")
        box.run(f"mount -o remount,size=100% {DISK}", user="root")
        deployed(box)


def has_lost_ssh(said: list[str]) -> bool:
    return any(re.search("[cC]onnection|SSH", line) for line in said)


def test_ssh_that_is_lost_during_the_build(box: Box):
    with held(box):
        said = failure(box, struck(box, f"{BUILDING} && {LOSE_SSH}", **ANOTHER))
    assert has_lost_ssh(said)
    deployed(box, **ANOTHER)
    assert "/v1.7.5-" in serving(box)["build"]


def test_ssh_that_is_lost_before_anything_is_changed(box: Box, host: spoiled.Host):
    with Cable(host.address, host.port, rate=0) as cable, held(box):
        blow = f"pgrep -f '[i]nfo/refs' && {LOSE_SSH}"
        said = failure(box, struck(box, blow, whisper_repo=f"{cable.url}/{GIT}"))
    assert has_lost_ssh(said)


def test_ssh_that_is_lost_while_the_deploy_waits_for_an_answer(box: Box):
    """What is cut off here is a fact and not a command, which pyinfra treats in another way."""
    transcribing = "pgrep -f '[c]url.*/transcriptions'"
    with held(box):
        said = failure(box, struck(box, f"{transcribing} && {LOSE_SSH}"))
    assert has_lost_ssh(said)


def test_ssh_that_is_lost_on_one_machine_and_not_on_the_other(
    box: Box, served: str, tmp_path: Path
):
    """It is silent while the other installs a package, and is lost when it is asked again."""
    box.run("pacman -Rdd --noconfirm ccache", user="root")
    with raise_boxes("lost", base=served) as (lost,), held(lost), Cable(lost.address, 22) as cable:
        inventory = through(cable, lost, tmp_path)
        lose = partial(lose_when_asked, cable)
        run = struck(box, "pgrep -x pacman", lost, then=lose, inventory=inventory)
        assert has_lost_ssh(failure(lost, run))
    assert run.results, run.output
    assert run.results["failed_hosts"] == ["lost"]
    box.run("pacman -Q ccache")


def lose_when_asked(cable: Cable) -> None:
    """Cut a cable between a question and its answer.

    As long as nothing is asked in a silence, the answers that it has held up are let through.
    """
    for _ in range(50):
        cable.rate, asked = 0, cable.asked
        time.sleep(0.3)
        if cable.asked > asked:
            break
        cable.rate = None
        time.sleep(0.1)
    cable.cut()


def through(cable: Cable, box: Box, directory: Path) -> Path:
    """The boxes' inventory, but that one of them is reached through a cable."""
    (hosts, data) = runpy.run_path(str(INVENTORY))["boxes"]
    kind, key, _ = Path(f"{ssh.HOST_KEY}.pub").read_text().split(" ", 2)
    known = directory / "known_hosts"
    known.write_text(f"[{cable.address}]:{cable.port} {kind} {key}\n")
    way = {
        "ssh_hostname": cable.address,
        "ssh_port": cable.port,
        "ssh_known_hosts_file": str(known),
    }
    others = [(name, values) for name, values in hosts if name != box.name]
    inventory = directory / "inventory.py"
    inventory.write_text(f"boxes = {([*others, (box.name, way)], data)!r}\n")
    return inventory


def test_two_runs_at_once(box: Box):
    """The second changes nothing, and says who is at work; the first ends as if it were alone."""
    # To be built, and so to last.
    box.run(f"rm -rf {SERVICES}/whisper.cpp/builds/v1.7.5-*")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(deploy, box, **ANOTHER)
        wait = shlex.quote(f"until {BUILDING}; do sleep 0.1; done")
        box.run(f"timeout 120 sh -c {wait}", user="root")
        said = failure(box, deploy(box))
        assert first.result().status == 0
    assert has(said, "another run is at work on this host", f"@{socket.gethostname()}", "since 20")
    assert "/v1.7.5-" in serving(box)["build"]
    assert is_spoken(transcript(box))
