"""The Python of a machine is replaced under the proxy, by pacman or by a version manager.

What it moves to is the Python that runs the tests: a real one, of another minor version.
"""

import io
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.boxes import Box, ssh
from tests.machines.deploying import ROOT, SERVICES, Run, deploy, deployed, raise_boxes, transcript
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.layout import PROXY_UNIT
from voicemode_whisper.core.speech import is_spoken

OWN = "3.13"
OTHER = f"{sys.version_info.major}.{sys.version_info.minor}"
SYSTEMCTL = "XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user"
RESTART = f"{SYSTEMCTL} restart --no-block {PROXY_UNIT}"
SUBSTATE = f"{SYSTEMCTL} show -P ActiveState {PROXY_UNIT}"
KEPT = "/root/python.tar"
WHEELS = "/opt/other-wheels"
# What ensurepip of Debian installs, and what nobody needs.
DEBIAN_WHEELS = Path("/usr/share/python-wheels")
LEFT_OUT = ("/test/", "/idlelib/", "/tkinter/", "/site-packages/", "/config-")

pytestmark = pytest.mark.skipif(OTHER == OWN, reason=f"the boxes have Python {OWN} too")


@pytest.fixture(scope="module")
def box(served: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box that serves, and that has the other Python and wheels for it beside its own."""
    with raise_boxes("python", base=served) as (serving,):
        wheels = tmp_path_factory.mktemp("wheels")
        download(wheels)
        wheels.chmod(0o755)
        _send(serving, wheels)
        yield serving


def download(wheels: Path) -> None:
    """The wheels that requirements/proxy.lock names, for the Python that runs this."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    locked = ["--only-binary=:all:", "--require-hashes", "-r", ROOT / "requirements/proxy.lock"]
    subprocess.run([*pip, *locked, "-d", wheels], check=True, capture_output=True, text=True)


def _send(box: Box, wheels: Path) -> None:
    program = Path(sys._base_executable).resolve()
    library = sysconfig.get_path("stdlib")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(program, f"usr/bin/python{OTHER}")
        tar.add(library, f"usr/lib/python{OTHER}", filter=_needed)
        for shared in Path(sysconfig.get_config_var("LIBDIR")).glob(f"libpython{OTHER}.so*"):
            tar.add(shared, f"usr/lib/{shared.name}")
        tar.add(wheels, WHEELS.lstrip("/"))
        if DEBIAN_WHEELS.exists():
            tar.add(DEBIAN_WHEELS, str(DEBIAN_WHEELS).lstrip("/"))
    command = [*ssh.arguments(box.address, "root"), "tar -xf - -C / --no-overwrite-dir && ldconfig"]
    subprocess.run(command, check=True, input=buffer.getvalue())


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if any(part in f"{entry.name}/" for part in LEFT_OUT) else entry


@contextmanager
def moved(box: Box) -> Iterator[None]:
    """What pacman does: python3 is another, and that of before is gone; the packages stay."""
    files = f"/usr/bin/python{OWN} /usr/lib/python{OWN}"
    box.run(f"tar -cf {KEPT} {files} 2>/dev/null && rm -r {files}", user="root")
    box.run(f"ln -sfn python{OTHER} /usr/bin/python3", user="root")
    try:
        yield
    finally:
        box.run(f"tar -xf {KEPT} -C / && rm {KEPT}", user="root")
        box.run(f"ln -sfn python{OWN} /usr/bin/python3", user="root")


@contextmanager
def wheels_for_other(box: Box) -> Iterator[None]:
    box.run(
        f"cp /etc/pip.conf /root && sed -i 's,^find-links = .*,& {WHEELS},' /etc/pip.conf",
        user="root",
    )
    try:
        yield
    finally:
        box.run("mv /root/pip.conf /etc/", user="root")


def examined(box: Box) -> dict[str, str]:
    """What the doctor says that is wrong: each row with what is below it."""
    rows: dict[str, str] = {}
    run = deploy(box, file="tasks/doctor.py")
    name = ""
    for line in said(box, run):
        if line.startswith(("OK", "FAIL")):
            name = line[6:].split("  ")[0] if line.startswith("FAIL") else ""
        if name:
            rows[name] = f"{rows.get(name, '')}{line}\n"
    return rows


def said(box: Box, run: Run) -> list[str]:
    found = (line.partition(f"[{box.name}] ") for line in run.output.splitlines())
    return [text for _, name, text in found if name]


def served_by(box: Box) -> tuple[str, str]:
    """The number of the generation that serves, and the Python for which its packages are."""
    found = box.run(f"cd {SERVICES} && basename $(readlink current) && ls current/venv/lib").stdout
    number, library = found.split()
    return number, library.removeprefix("python")


def restart(box: Box) -> None:
    """Restart the proxy, whether it starts or not."""
    box.run(
        f"{RESTART}; timeout 20 sh -c 'until {SUBSTATE} | grep -qx activating; do sleep 0.1; done'"
    )


def test_an_upgrade_is_told_before_the_proxy_is_restarted_and_mended_by_a_deploy(box: Box):
    with moved(box):
        problem = f"its packages are for Python {OWN}, /usr/bin/python{OTHER} is {OTHER}"
        ill = examined(box)
        assert list(ill) == ["Python", "proxy unit", "proxy code"]
        assert all("cause: see Python" in ill[row] for row in ("proxy unit", "proxy code"))
        assert f"{problem}: the proxy runs on until it is restarted" in ill["Python"]

        run = deploy(box)
        assert run.status == 1
        refusal = next(line for line in said(box, run) if "no wheel" in line)
        assert f"has no wheel for Python {OTHER} (/usr/bin/python{OTHER}, cpython-" in refusal
        assert "ERROR" not in "".join(said(box, run))
        assert is_spoken(transcript(box))

        restart(box)
        ill = examined(box)
        assert f"{problem}: the proxy does not start" in ill["Python"]
        assert f"fix: {DEPLOY_AGAIN}" in ill["proxy unit"]
        assert "cause: see Python" in ill["proxy unit"]

        with wheels_for_other(box):
            deployed(box)
            assert is_spoken(transcript(box))
            assert served_by(box) == ("2", OTHER)
            back = deploy(box, file="tasks/rollback.py")
            assert back.status == 0, back.output
            assert is_spoken(transcript(box))
            assert served_by(box) == ("1", OTHER)


def test_an_interpreter_that_a_version_manager_removed_is_replaced(box: Box):
    deployed(box)
    gone = "/home/ada/mise/3.13.1/bin/python3.13"
    box.run(f"cd {SERVICES}/current/venv/bin && rm python && ln -s {gone} python")
    restart(box)
    assert f"{gone} is gone: the proxy does not start" in examined(box)["Python"]
    run = deployed(box)
    assert f"whisper-proxy: its virtual environment is made anew: {gone} is gone" in run.output
    assert is_spoken(transcript(box))
    assert served_by(box)[1] == OWN
