"""Spools, and the budget that they share."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from whisper_proxy import spool
from whisper_proxy.errors import ApiError
from whisper_proxy.spool import MEMORY_BYTES, MEMORY_ROOM, MIB, SpoolBudget

from .spools import Spool


@pytest.fixture
def budget() -> SpoolBudget:
    return SpoolBudget(8 * MIB, 100)


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 4 MiB, for the spools alone."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path])
    if mounted.returncode:
        pytest.skip("needs root, to mount a small disk")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def refusal(error: pytest.ExceptionInfo[ApiError]) -> tuple[int, str | None]:
    assert error.value.headers["Retry-After"].isdecimal()
    return error.value.status, error.value.code


def on_disk(one: spool.Spool) -> bool:
    with one.open() as file:
        return hasattr(file, "name")


def test_what_is_known_to_be_large_goes_to_disk_at_once() -> None:
    with Spool() as one:
        one.expect(MEMORY_BYTES + 1)
        one.write(b"x")
        assert on_disk(one)


def test_a_spool_is_in_memory_until_it_is_large() -> None:
    with Spool() as one:
        one.write(bytes(MEMORY_BYTES))
        assert not on_disk(one)
        one.write(b"x")
        one.write(b"y")
        assert (on_disk(one), one.size) == (True, MEMORY_BYTES + 2)


@pytest.mark.parametrize("size", [3, MEMORY_BYTES + 3])
def test_every_reader_of_a_spool_begins_at_the_first_byte(size: int) -> None:
    with Spool() as one:
        one.write(bytes(size - 3))
        one.write(b"end")
        with one.open() as first, one.open() as second:
            assert len(first.read()) == len(second.read()) == size


def test_when_the_memory_for_all_is_taken_small_ones_go_to_disk_too() -> None:
    budget = SpoolBudget(64 * MIB, 100)
    with ExitStack() as all_of_them:
        for _ in range(MEMORY_ROOM // MEMORY_BYTES):
            one = all_of_them.enter_context(budget.upload())
            one.write(bytes(MEMORY_BYTES))
            assert not on_disk(one)
        with budget.upload() as another:
            another.write(b"x")
            assert on_disk(another)
    with budget.upload() as later:
        later.write(bytes(MEMORY_BYTES))
        assert not on_disk(later)


def test_what_an_upload_declares_is_kept_for_it(budget: SpoolBudget) -> None:
    with budget.upload() as first, budget.upload() as second:
        first.expect(4 * MIB)
        with pytest.raises(ApiError) as error:
            second.expect(3 * MIB)
        assert refusal(error) == (503, "spool_full")
        first.write(bytes(4 * MIB))
    assert budget.used == 0


def test_an_upload_of_unknown_size_is_refused_when_there_is_no_more(budget: SpoolBudget) -> None:
    with budget.upload() as first, budget.upload() as second:
        first.expect(5 * MIB)
        second.write(bytes(MIB))
        with pytest.raises(ApiError) as error:
            second.write(b"x")
        assert refusal(error) == (503, "spool_full")


def test_what_was_declared_and_not_sent_is_given_back(budget: SpoolBudget) -> None:
    with budget.upload() as one:
        one.expect(4 * MIB)
        one.write(b"x")
        one.complete()
        assert budget.used == 1


def test_small_ones_get_through_beside_large_ones(budget: SpoolBudget) -> None:
    with budget.upload() as large, budget.upload() as small:
        large.expect(6 * MIB)
        assert budget.full
        small.expect(MEMORY_BYTES)


def test_too_many_are_refused() -> None:
    budget = SpoolBudget(MIB, 1)
    with budget.upload(), pytest.raises(ApiError) as error, budget.upload():
        pass
    assert refusal(error) == (503, "too_many_uploads")
    with budget.upload():
        assert budget.full
    assert not budget.full


def test_decoded_audio_has_room_though_uploads_took_all(
    budget: SpoolBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "DECODED_ROOM", 5)
    with budget.upload() as one:
        one.expect(6 * MIB)
        with budget.output() as first, budget.output() as second:
            os.write(first.fileno(), b"three")
            with budget.output():
                pass
            os.write(second.fileno(), b".")
            assert budget.used == 6 * MIB + 6
            with pytest.raises(ApiError) as error, budget.output():
                pass
            assert refusal(error) == (503, "spool_full")
        with budget.output() as again:
            assert os.fstat(again.fileno()).st_size == 0
    assert budget.used == 0


def test_a_spool_stays_in_its_directory_when_that_was_full_once(small_disk: Path) -> None:
    (small_disk / "full").write_bytes(bytes(4 * MIB))
    with Spool() as one, pytest.raises(OSError, match="No space") as error:
        one.write(bytes(MIB))
    assert error.value.errno in spool.DISK_FULL
    assert SpoolBudget(64 * MIB, 1).full
    (small_disk / "full").unlink()
    with Spool() as one:
        one.write(bytes(MIB))
        with one.open() as file:
            assert os.readlink(f"/proc/self/fd/{file.fileno()}").startswith(str(small_disk))


def test_without_tmpdir_it_is_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    assert spool.directory() == "/var/tmp"
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with spool.open_file() as file:
        assert os.fstat(file.fileno()).st_nlink == 0


def test_a_directory_that_is_not_there_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere")
    assert SpoolBudget(64 * MIB, 1).full
    with Spool() as one, pytest.raises(OSError) as error:  # noqa: PT011
        one.expect(MIB)
    assert error.value.errno == errno.ENOENT
