"""Releases of whisper.cpp and speech models, spoiled each in one way, and a server for them.

They stand in for what nobody publishes on purpose. Each is whisper.cpp v1.9.1, or the boxes'
tiny.en, but for one small change: what is built and loaded is the real thing.
"""

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from tests.boxes import caches, network, server, whisper_git
from tests.boxes.model import NAME as TINY
from tests.boxes.shell import run
from tests.boxes.sources import DIRECTORIES
from tests.boxes.state import CHECKOUT
from tests.boxes.system import SOURCES_HOST
from tests.ports import await_port, free_port

BASE = "v1.9.1"
# A fixed date gives the same commits on every machine. Their ids are compiled in, and ccache is to
# know what it has compiled before.
DATE = "1783000000 +0000"

MISSING = "a_header_that_nobody_wrote.h"
MISHEARD = "and so my fellow bananas"
LAST_WORDS = "this release does not start"

DIE = f'{{ fputs("{LAST_WORDS}\\n", stderr); abort(); }}'
MISHEAR = f'{{ return " {MISHEARD}"; }}'
# Only the unit sets it: such a release is fine until it is the service.
AS_SERVICE = 'if (getenv("SERVICE_REVISION"))'

INCLUDES = ("examples/server/server.cpp", '#include "common.h"\n')
SERVER = ("examples/server/server.cpp", "int main(int argc, char ** argv) {\n")
LIBRARY = (
    "src/whisper.cpp",
    "const char * whisper_full_get_segment_text(struct whisper_context * ctx, int i_segment) {\n",
)
# tag: a file with a line in it, and the line that is put behind that
RELEASES = {
    "v1.9.2": (INCLUDES, f'#include "{MISSING}"'),
    "v1.9.3": (LIBRARY, MISHEAR),  # in both programs
    "v1.9.4": (SERVER, DIE),  # whisper-cli is fine
    "v1.9.5": (SERVER, f"{AS_SERVICE} {DIE}"),
    "v1.9.6": (LIBRARY, f"{AS_SERVICE} {MISHEAR}"),
}


@dataclass(frozen=True)
class Host:
    """The server of all of them. `sums` has the SHA-256 that each model is said to have."""

    address: str
    port: int
    sums: dict[str, str]

    @property
    def url(self) -> str:
        """Where boxes find it."""
        return f"http://{SOURCES_HOST}:{self.port}"

    def release(self, tag: str) -> dict[str, str]:
        """The settings that ask for one of RELEASES."""
        return {"whisper_repo": f"{self.url}/git/{whisper_git.NAME}", "whisper_version": tag}

    def model(self, name: str, url: str = "") -> dict[str, str]:
        """The settings that ask for one of the models, at another URL of this host if need be."""
        path = f"models/ggml-{name}.bin"
        return {"whisper_model": f"{url or self.url}/{path}", "model_sha256": self.sums[name]}


@contextmanager
def host(directory: Path) -> Iterator[Host]:
    """Make everything in an empty directory, and serve it."""
    for name in ("git", *DIRECTORIES):
        (directory / name).mkdir()
    make_releases(directory / "git")
    sums = make_models(directory / "models")
    address = network.address(network.GATEWAY)
    port = free_port(address)
    with _served(directory, address, port):
        yield Host(address, port, sums)


def make_releases(directory: Path) -> None:
    """A copy of the boxes' git repository, with RELEASES."""
    bare = directory / whisper_git.NAME
    copytree(caches.git().path / whisper_git.NAME, bare)
    for tag, (where, line) in RELEASES.items():
        _release(bare, tag, *where, line)


def _release(bare: Path, tag: str, path: str, after: str, line: str) -> None:
    """Commit and tag BASE with one line more; a checkout is not needed."""
    env = whisper_git.environment(DATE)
    env |= {"GIT_DIR": str(bare), "GIT_INDEX_FILE": str(bare / f"index.{tag}")}
    before, found, rest = run("git", "show", f"{BASE}:{path}", env=env).partition(after)
    assert found, f"{path} of {BASE} has no line {after!r}"
    text = f"{before}{found}{line}\n{rest}"
    blob = run("git", "hash-object", "-w", "--stdin", env=env, input=text).strip()
    run("git", "read-tree", BASE, env=env)
    run("git", "update-index", "--cacheinfo", f"100644,{blob},{path}", env=env)
    tree = run("git", "write-tree", env=env).strip()
    commit = run("git", "commit-tree", tree, "-p", BASE, "-m", f"release : {tag}", env=env)
    run("git", "tag", tag, commit.strip(), env=env)


def make_models(directory: Path) -> dict[str, str]:
    """Write the models; the SHA-256 that is given out for each."""
    whole = (server.models() / TINY).read_bytes()
    models = {
        "whole.en": whole,
        "flipped.en": _flipped(whole),
        "noise.en": random.Random(1).randbytes(1_000_000),
        # One word of its vocabulary is another, of the same length.
        "bananas.en": whole.replace(b"\x08\0\0\0 country", b"\x08\0\0\0 bananas"),
        # Another model of the name that the boxes' own has.
        "tiny.en": whole.replace(b"\x08\0\0\0 country", b"\x08\0\0\0 cabbage"),
    }
    for name, content in models.items():
        (directory / f"ggml-{name}.bin").write_bytes(content)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in models.items()}
    return sums | {"flipped.en": sums["whole.en"]}


def _flipped(content: bytes) -> bytes:
    """The same with one bit of the byte in the middle turned over."""
    middle = len(content) // 2
    return b"".join((content[:middle], bytes([content[middle] ^ 1]), content[middle + 1 :]))


@contextmanager
def _served(directory: Path, address: str, port: int) -> Iterator[None]:
    """The boxes' own server once more, for this directory."""
    command = [sys.executable, "-m", "tests.boxes.sources", "--address", address]
    command += ["--port", str(port)]
    for name in ("git", *DIRECTORIES):
        command += [f"--{name}", str(directory / name)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)}
    with (
        (directory / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            await_port(port, seconds=20, address=address)
            yield
        finally:
            process.terminate()
