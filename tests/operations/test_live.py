"""Versions and the link that names the live one, on a real file system."""

import io
import tarfile
from pathlib import Path

import pytest

from operations import live
from tests.operations.conftest import Apply


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "it's here"


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


ONE, TWO = "0" * 11 + "1", "0" * 11 + "2"


def test_a_link_is_made_and_then_left(apply: Apply, path: Path):
    assert apply(live.switch, path=str(path), version=ONE) == 1
    assert apply(live.switch, path=str(path), version=ONE) == 0
    assert path.readlink() == Path(f"{path.name}-{ONE}")


@pytest.mark.parametrize("before", [f"-{ONE}", f"-v1.9.1-{ONE}", ".by-hand"])
def test_a_link_of_the_deploy_s_is_replaced(apply: Apply, path: Path, before: str):
    path.symlink_to(f"{path.name}{before}")
    apply(live.switch, path=str(path), version=TWO)
    assert path.readlink() == Path(f"{path.name}-{TWO}")
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_what_was_made_by_hand_is_kept_aside_each_time(apply: Apply, path: Path):
    for content in ("one", "two"):
        path.unlink(missing_ok=True)
        path.mkdir()
        (path / "file").write_text(content)
        apply(live.switch, path=str(path), version=ONE)
    kept = sorted(path.parent.glob("*by-hand*"))
    assert [(directory / "file").read_text() for directory in kept] == ["two", "one"]


def test_a_link_that_was_made_by_hand_is_kept_too(apply: Apply, path: Path):
    path.symlink_to(f"{path.name}-vulkan")
    apply(live.switch, path=str(path), version=ONE)
    assert path.with_name(f"{path.name}.by-hand").readlink() == Path(f"{path.name}-vulkan")


def test_an_archive_is_unpacked_once_and_whole(apply: Apply, path: Path):
    arguments = {"archive": archive(a="1"), "path": str(path), "version": "x"}
    (path.parent / f"{path.name}-x.partial").mkdir(parents=True)
    (path.parent / f"{path.name}-x.partial" / "stale").touch()
    assert apply(live.unpack, **arguments) > 0
    assert apply(live.unpack, **arguments) == 0
    (version,) = path.parent.iterdir()
    assert {file.name: file.read_text() for file in version.iterdir()} == {"a": "1"}


def test_a_damaged_archive_leaves_no_version(apply: Apply, path: Path):
    with pytest.raises(Exception, match="tar"):
        apply(live.unpack, archive=archive(a="1")[:100], path=str(path), version="x")
    assert not (path.parent / f"{path.name}-x").exists()
