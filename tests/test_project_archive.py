"""This project on its way to a machine that upgrades itself."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.fake_hosts import HEALTHY, inventory
from voicemode_whisper import project_archive


def unpacked(directory: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(project_archive.archive())) as tar:
        tar.extractall(directory, filter="data")
    return directory


def test_it_has_what_a_deploy_needs_and_no_tests(tmp_path: Path):
    names = {str(path.relative_to(tmp_path)) for path in unpacked(tmp_path).rglob("*")}
    needed = {"deploy.py", "tasks/preflight.py", "voicemode_whisper/scripts/run-upgrade.sh"}
    assert needed | {"requirements/deploy.lock", "templates/proxy.env.j2"} <= names
    assert not [name for name in names if name.startswith("tests") or name.endswith(".pyc")]


def test_it_deploys(tmp_path: Path):
    file = inventory(tmp_path, {"a": HEALTHY})
    done = subprocess.run(
        [sys.executable, "-BEs", "-m", "pyinfra", "--dry", "--json", file, "deploy.py"],
        cwd=unpacked(tmp_path), capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Switch to whisper.cpp v1.9.1" in done.stdout
