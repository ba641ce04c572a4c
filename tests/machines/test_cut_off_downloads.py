"""Mirrors, repositories and a pacman that do not behave, on a machine that serves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree

import pytest

from tests.boxes import Box, caches, network, whisper_git
from tests.boxes.shell import run
from tests.boxes.system import SOURCES_HOST
from tests.machines.deploying import SERVICES, deploy, deployed, raise_boxes
from tests.operations.git_server import serving

CONFIG = f"{SERVICES}/whisper.cpp/.git/config"
SECRET = "s3cr3t"
HOOK = """[Trigger]
Operation = Install
Operation = Upgrade
Type = Package
Target = ccache
[Action]
Description = Updating the boot image...
When = PostTransaction
Exec = /bin/sh -c 'echo ran >> /root/hook; [ -e /root/quick ] || sleep 600'
"""
# Everything that every user can read of what runs, until the file is gone.
WATCH = "touch /root/watch; while [ -e /root/watch ]; do cat /proc/[0-9]*/cmdline; done"


class Pages(BaseHTTPRequestHandler):
    """Answers as the login page of a hotel does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    def log_message(self, *_: object) -> None:
        pass


def gateway() -> str:
    """The address of this machine that boxes reach."""
    return network.address(network.GATEWAY)


@pytest.fixture
def portal(box: Box) -> Iterator[str]:
    """Where such a page is, for boxes."""
    with ThreadingHTTPServer((gateway(), 0), Pages) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://{SOURCES_HOST}:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("downloads", base=served) as (serving_box,):
        yield serving_box


@pytest.fixture
def without_ccache(box: Box) -> Iterator[None]:
    """A box that lacks a package, and has its own pacman.conf again afterwards."""
    box.run("cp /etc/pacman.conf /root/own.conf; pacman -Rdd --noconfirm ccache", user="root")
    yield
    box.run("cp /root/own.conf /etc/pacman.conf", user="root")


@pytest.mark.usefixtures("without_ccache")
def test_a_mirror_that_answers_with_pages_is_named_and_leaves_nothing(box: Box, portal: str):
    """A page that stayed as pacman's database would be newer than what any mirror has."""
    box.run(f"sed -i 's|^Server = .*|Server = {portal}|' /etc/pacman.conf", user="root")
    failed = deploy(box)
    assert failed.status == 1
    assert (
        "packages: the mirror of cachyos answers with something else, such as a web page: is a "
        "login page or a proxy in the way?"
    ) in failed.output
    box.run("cp /root/own.conf /etc/pacman.conf", user="root")
    assert deployed(box).changed == {"Packages | Install what is missing of the toolchain"}


@pytest.mark.usefixtures("without_ccache")
def test_a_pacman_that_was_killed_in_its_hooks_is_finished(box: Box):
    """All packages are installed by then, and pacman itself would never run the hooks again."""
    hooks = "/etc/pacman.d/hooks"
    box.run(f"mkdir -p {hooks} && cat > {hooks}/90-boot.hook", user="root", input=HOOK)
    strike = (
        "(pacman -Sy --noconfirm ccache > /dev/null 2>&1 &); until [ -e /root/hook ]; do sleep .1;"
        " done; pkill -KILL -x pacman; pkill -x sleep; touch /root/quick; rm /root/hook"
    )
    box.run(strike, user="root")
    assert deployed(box).changed == {"Packages | Install what is missing of the toolchain"}
    left = box.run(f"cat /root/hook; rm -r {hooks} /root/hook; ls /var/lib/pacman", user="root")
    assert left.stdout.split() == ["ran", "local", "sync"]
    assert deployed(box).changes == 0


def test_a_portal_before_the_git_host_is_named(box: Box, portal: str):
    failed = deploy(box, whisper_repo=portal)
    assert failed.status == 1
    assert (
        "it answered 200 with a web page (text/html): is a login page or a proxy" in failed.output
    )


def test_a_tag_that_was_moved_is_said_and_not_followed(box: Box, tmp_path: Path):
    copytree(caches.git().path / whisper_git.NAME, tmp_path / whisper_git.NAME)
    bare = tmp_path / whisper_git.NAME
    run("git", "-C", bare, "tag", "-f", "v1.9.1", "v1.7.5^{commit}", env=whisper_git.environment())
    with repository(tmp_path) as url:
        moved = deployed(box, whisper_repo=url, whisper_version="v1.9.1")
    assert moved.changes == 0
    assert "upstream moved the tag, or whisper_repo is not upstream" in moved.output


def test_credentials_are_in_no_command_line_no_log_and_no_file(box: Box):
    """Those that an earlier deploy wrote into git's configuration are taken out too."""
    with repository(caches.git().path) as url:
        box.run(f"git config --file {CONFIG} remote.origin.url {url}")
        box.run(f"systemd-run -q --unit=watch -p StandardOutput=file:/root/seen sh -c '{WATCH}'",
                user="root")  # fmt: skip
        try:
            cleaned = deployed(box, whisper_repo=url)
        finally:
            box.run("rm /root/watch", user="root")
    assert cleaned.changed == {"whisper.cpp | Check out whisper.cpp v1.9.1"}
    assert SECRET not in cleaned.output + str(cleaned.results)
    seen = box.run("tr '\\0' ' ' < /root/seen", user="root").stdout
    assert "info/refs?service=git-upload-pack" in seen
    assert SECRET not in seen
    places = "/home/ada/.voicemode /home/ada/.config /var/log"
    found = box.run(f"grep -rl {SECRET} {places}; journalctl -q | grep -c {SECRET}",
                    user="root", check=False)  # fmt: skip
    assert found.stdout.split() == ["0"]


@contextmanager
def repository(root: Path) -> Iterator[str]:
    """The URL of whisper.cpp below `root`, on a server that lets nobody in without a password."""
    with serving(root, f"ada:{SECRET}", gateway()) as server:
        yield f"http://ada:{SECRET}@{SOURCES_HOST}:{server.server_port}/{whisper_git.NAME}"
