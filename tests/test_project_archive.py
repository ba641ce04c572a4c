"""This project on its way to a machine that upgrades itself."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.fake_hosts import HEALTHY
from voicemode_whisper import project_archive, proxy_archive
from voicemode_whisper.host import DEFAULTS
from voicemode_whisper.unit_files import templates_fingerprint

VERSIONS = """
from voicemode_whisper import proxy_archive, unit_files
print(proxy_archive.version(), unit_files.templates_fingerprint())
"""


def unpacked(directory: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(project_archive.archive())) as tar:
        tar.extractall(directory, filter="data")
    return directory


def test_it_has_what_a_deploy_needs_and_no_tests(tmp_path: Path):
    names = {str(path.relative_to(tmp_path)) for path in unpacked(tmp_path).rglob("*")}
    needed = {"deploy.py", "tasks/preflight.py", "voicemode_whisper/scripts/run-upgrade.sh"}
    assert needed | {"requirements/deploy.lock", "templates/proxy.env.j2"} <= names
    assert not [name for name in names if name.startswith("tests") or name.endswith(".pyc")]


def run(directory: Path, *arguments: str) -> str:
    """What Python prints in the unpacked project, as on a machine that upgrades itself."""
    done = subprocess.run(
        [sys.executable, "-BEs", *arguments],
        cwd=unpacked(directory), capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_it_installs_is_what_a_deploy_from_here_does(tmp_path: Path):
    here = f"{proxy_archive.version()} {templates_fingerprint()}\n"
    assert run(tmp_path, "-c", VERSIONS) == here


def test_it_deploys_with_the_settings_of_its_inventory(tmp_path: Path):
    settings = {name: value for name, value in DEFAULTS.items() if not name.startswith("_")}
    fake = {"fake_responses": HEALTHY, "fake_delay": 0, "fake_delay_jitter": 0}
    file = tmp_path / "inventory.py"
    file.write_text(f"servers = [('@fake/a', {settings | fake!r})]")
    said = run(tmp_path / "project", "-m", "pyinfra", "--dry", "--json", str(file), "deploy.py")
    assert "Switch to whisper.cpp v1.9.1 with small.en" in said


def test_it_has_no_setting_s_value(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(DEFAULTS, "whisper_repo", "https://ada:s3cr3t@host/x")
    assert b"s3cr3t" not in project_archive.archive.__wrapped__()
    assert b"whisper_repo = None\n" in project_archive.archive.__wrapped__()
