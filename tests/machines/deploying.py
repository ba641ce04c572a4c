"""Run the deploy on boxes as a user does, and look at what it left."""

import base64
import json
import runpy
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import requests

from tests import boxes
from tests.boxes import Box, state
from tests.tunnel import tunnel

ROOT = Path(__file__).parents[2]
INVENTORY = ROOT / ".boxes" / "inventory.py"
SERVICES = "~/.voicemode/services"
EARLIER = "bd2a6b4"  # the last commit with the layout before
OLD = "v1.7.5"  # what an upgrade begins with

raised: set[str] = set()


@contextmanager
def raise_boxes(*names: str, **how: Any) -> Iterator[list[Box]]:
    """Boxes that end with the context, raised as `boxes.up` does."""
    boxes.down(*names)
    raised.update(names)
    try:
        yield boxes.up(*names, **how)
    finally:
        boxes.down(*names)


@dataclass(frozen=True)
class Run:
    """One run of pyinfra: its exit status, what it printed for people, and its JSON results."""

    status: int
    output: str
    results: dict[str, Any] | None

    @property
    def operations(self) -> list[str]:
        """All operations, in their order, as "STAGE | NAME"."""
        assert self.results is not None, self.output
        return [entry["name"] for entry in self.results["operations"]]

    @property
    def changed(self) -> set[str]:
        """The operations that changed something, as "STAGE | NAME"."""
        assert self.results is not None, self.output
        return {entry["name"] for entry in self.results["operations"] if entry["success"]}

    @property
    def changes(self) -> int:
        """How many operations changed something, on all hosts."""
        assert self.results is not None, self.output
        return int(self.results["totals"]["success"])


def inventory_of(*boxes: Box) -> Path:
    """The boxes' inventory with these alone: pyinfra pads names to the longest that it knows."""
    (hosts, data) = runpy.run_path(str(INVENTORY))["boxes"]
    names = {box.name for box in boxes}
    path = state.RUN / boxes[0].name / "inventory.py"
    state.write_whole(path, f"boxes = {([host for host in hosts if host[0] in names], data)!r}\n")
    return path


def command(
    *boxes: Box, file: str = "deploy.py", inventory: Path | None = None, **data: Any
) -> list[str]:
    """`pyinfra -y --json INVENTORY FILE`, for these boxes."""
    words = [sys.executable, "-m", "pyinfra", "-y", "--json"]
    words += [str(inventory or inventory_of(*boxes)), file]
    for box in boxes:
        words += ["--limit", box.name]
    for name, value in data.items():
        words += ["--data", f"{name}={value}"]
    return words


def deploy(*boxes: Box, cwd: Path = ROOT, timeout: float = 900, **options: Any) -> Run:
    """Run the deploy on these boxes, to its end; the options are those of `command`."""
    done = subprocess.run(
        command(*boxes, **options),
        cwd=cwd, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    results = json.loads(done.stdout)["results"] if done.stdout.strip() else None
    return Run(done.returncode, done.stderr, results)


def deployed(*boxes: Box, **options: Any) -> Run:
    """A run that has to succeed."""
    run = deploy(*boxes, **options)
    assert run.status == 0, run.output
    return run


def earlier_checkout(directory: Path) -> Path:
    """The deploy as it was before there were generations, in this directory."""
    archive = subprocess.run(
        ["git", "archive", EARLIER], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(directory, filter="data")
    return directory


def sample(box: Box, user: str = "ada") -> bytes:
    """whisper.cpp's recording of President Kennedy, from the user's checkout on the box."""
    encoded = box.run(f"base64 {SERVICES}/whisper.cpp/samples/jfk.wav", user=user).stdout
    return base64.b64decode(encoded)


def post(url: str, audio: bytes) -> str:
    """What the proxy at `url` hears in a recording."""
    answer = requests.post(
        f"{url}/v1/audio/transcriptions",
        files={"file": ("audio.wav", audio)},
        data={"model": "whisper-1", "response_format": "text"},
        timeout=60,
    )
    answer.raise_for_status()
    return answer.text


def transcript(box: Box, user: str = "ada") -> str:
    """What the proxy on the box's loopback makes of the recording."""
    with tunnel(box, 2023) as url:
        return post(url, sample(box, user))


def health(box: Box) -> dict[str, Any]:
    """What the proxy says of itself."""
    said: dict[str, Any] = json.loads(box.run("curl -sS 127.0.0.1:2023/health").stdout)
    return said


def sources() -> dict[str, str]:
    """The settings that point at what the outer machine serves to boxes."""
    group = runpy.run_path(str(INVENTORY))["boxes"]
    return {name: value for name, value in group[1].items() if not name.startswith("ssh_")}
