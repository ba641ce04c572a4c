"""The package as somebody else has it: from a wheel, or called from another directory."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from tests.fake_hosts import HEALTHY, inventory
from tests.tasks.test_compare import serving
from voicemode_whisper import project_archive

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPLOY = """
from voicemode_whisper.tasks import proxy, services, voicemode
proxy.install()
services.run()
voicemode.point()
"""
DEVELOPER = Path(sys.executable)


def build(target: str, source: Path, directory: Path) -> Path:
    """Build a "wheel" or an "sdist" as pip does, without a network."""
    hatch = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(directory)]
    subprocess.run(hatch, cwd=source, check=True, capture_output=True)
    (built,) = directory.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def plan(python: Path, cwd: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Call pyinfra in `cwd`, without a change to anything: its status, and what it would do."""
    done = subprocess.run(
        [str(python), "-m", "pyinfra", "--dry", "--json", *arguments],
        cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, [operation["name"] for operation in json.loads(done.stdout)["plan"]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel, and with what it depends on."""
    directory = tmp_path_factory.mktemp("venv")
    venv.create(directory)
    python = directory / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps", "--quiet"]
    subprocess.run([*install, "--python", str(python), str(wheel)], check=True)
    (site_packages,) = directory.glob("lib/*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    inventory(tmp_path, {"a": HEALTHY})
    return tmp_path


def names(wheel: Path) -> set[str]:
    """The files of a wheel, without what it says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_a_wheel_holds_what_a_deploy_needs_and_nothing_else(wheel: Path):
    package = ROOT / "voicemode_whisper"
    code = {str(path.relative_to(ROOT)) for path in package.rglob("*.py")}
    scripts = {str(path.relative_to(ROOT)) for path in package.glob("scripts/*.sh")}
    data = {
        f"voicemode_whisper/{path.relative_to(ROOT)}"
        for pattern in project_archive.BESIDE
        for path in ROOT.glob(pattern)
    }
    assert scripts
    assert names(wheel) == code | scripts | data


def test_a_wheel_says_what_it_is(wheel: Path):
    said = metadata(wheel)
    assert (said["Name"], said["Version"]) == ("voicemode-whisper", PROJECT["version"])
    assert said["License-Expression"] == "MIT"
    assert said["License-File"] == "LICENSE"
    assert said["Requires-Python"] == ">=3.11"
    assert said.get_payload().startswith((ROOT / "README.md").read_text()[:20])


def test_the_lock_of_make_deploy_is_made_from_the_same_dependencies():
    lines = (ROOT / "requirements" / "deploy.in").read_text().splitlines()
    locked = {line.split("==")[0] for line in lines if not line.startswith("#")}
    assert {name.split(">")[0] for name in PROJECT["dependencies"]} == locked


def test_a_source_archive_makes_the_same_wheel(wheel: Path, tmp_path: Path):
    with tarfile.open(build("sdist", ROOT, tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert names(build("wheel", source, tmp_path)) == names(wheel)


def test_a_deploy_elsewhere_uses_the_wheel(python: Path, elsewhere: Path):
    (elsewhere / "my_deploy.py").write_text(DEPLOY)
    status, operations = plan(python, elsewhere, "inventory.py", "my_deploy.py")
    assert status == 0
    stages = dict.fromkeys(name.split(" | ")[0] for name in operations)
    assert list(stages) == ["Proxy", "Services", "VoiceMode"]


def test_a_machine_is_sent_the_same_project_from_a_wheel(python: Path, elsewhere: Path):
    ask = "from voicemode_whisper import project_archive; print(project_archive.version())"
    done = subprocess.run(
        [python, "-c", ask], cwd=elsewhere, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == project_archive.version()


def test_a_deploy_elsewhere_uses_a_checkout_on_python_s_path(elsewhere: Path):
    (elsewhere / "my_deploy.py").write_text(DEPLOY)
    arguments = ("inventory.py", "my_deploy.py")
    status, operations = plan(DEVELOPER, elsewhere, *arguments, PYTHONPATH=str(ROOT))
    assert status == 0
    assert operations


def test_a_task_is_a_command_of_pyinfra_s(python: Path, elsewhere: Path):
    task = "voicemode_whisper.tasks.voicemode.point"
    planned = plan(python, elsewhere, "inventory.py", task)
    assert planned == (0, ["VoiceMode | Point VoiceMode at the proxy"])


@pytest.mark.parametrize(
    ("file", "status"),
    [
        ("deploy.py", 0),
        ("tasks/doctor.py", 1),
        ("tasks/rollback.py", 0),
        ("tasks/uninstall.py", 0),
    ],
)
def test_the_deploys_work_from_any_directory(python: Path, elsewhere: Path, file: str, status: int):
    (elsewhere / "home").mkdir()
    hosts = str(elsewhere / "inventory.py")
    planned = plan(python, elsewhere / "home", hosts, str(ROOT / file))
    assert planned[0] == status
    assert planned == plan(DEVELOPER, ROOT, hosts, file)


def test_a_comparison_works_from_any_directory(python: Path, tmp_path: Path):
    hosts = str(inventory(tmp_path, {"a": serving()}))
    (tmp_path / "home").mkdir()
    status, operations = plan(python, tmp_path / "home", hosts, str(ROOT / "tasks/compare.py"))
    assert (status, len(operations)) == (0, 2)
    assert (status, operations) == plan(DEVELOPER, ROOT, hosts, "tasks/compare.py")
