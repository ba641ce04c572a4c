"""The proxy on its way to a host."""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from voicemode_whisper import proxy_archive


def members() -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(proxy_archive.archive())) as tar:
        return {member.name: member for member in tar}


def test_the_archive_has_the_package_and_its_lock_file():
    names = set(members())
    assert {"requirements.lock", "whisper_proxy/__main__.py", "whisper_proxy/app.py"} <= names
    code = {name for name in names if name.endswith((".py", ".lock", "SHA256SUMS"))}
    pages = {name for name in names if name.startswith("whisper_proxy/page/")}
    assert "whisper_proxy/page/index.html" in pages
    assert names == code | pages


def test_what_editors_leave_beside_the_page_stays_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "whisper_proxy"
    shutil.copytree(proxy_archive.PROXY_PACKAGE, package)
    for name in (".DS_Store", "main.js~", ".main.js.swp", "#main.js#"):
        (package / "page" / name).write_bytes(b"")
    (package / "page" / ".#main.js").symlink_to("nobody@nowhere")
    monkeypatch.setattr(proxy_archive, "PROXY_PACKAGE", package)
    assert proxy_archive.archive.__wrapped__() == proxy_archive.archive()
    # Run from such a checkout, it serves what it knows.
    names = [sys.executable, "-c", "from whisper_proxy import page; print(*page.BY_NAME)"]
    served = subprocess.run(names, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "main.js" in served.split()
    assert not [name for name in served.split() if not name[0].isalpha() or name.endswith("~")]


def test_it_says_what_its_files_are(tmp_path: Path):
    with tarfile.open(fileobj=io.BytesIO(proxy_archive.archive())) as tar:
        tar.extractall(tmp_path, filter="data")
    check = ["sha256sum", "-c", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=True).stdout == b""
    listed = {line.split("  ")[1] for line in (tmp_path / "SHA256SUMS").read_text().splitlines()}
    assert listed == set(members()) - {"SHA256SUMS"}


def test_the_archive_tells_nothing_of_who_made_it():
    for member in members().values():
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert (member.mtime, member.mode) == (0, 0o644)


def test_the_version_follows_the_contents():
    before = proxy_archive.version()
    proxy_archive.archive.cache_clear()
    assert proxy_archive.version() == before
    assert len(before) == 12


def test_the_lock_file_is_known_by_its_sum():
    with tarfile.open(fileobj=io.BytesIO(proxy_archive.archive())) as tar:
        lock = tar.extractfile("requirements.lock")
        assert lock is not None
        assert hashlib.sha256(lock.read()).hexdigest() == proxy_archive.LOCK_SHA256
