import os
from pathlib import Path

import pytest
from whisper_proxy import api_key, file_stamp
from whisper_proxy.api_key import ApiKey
from whisper_proxy.errors import ApiError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text("old")
    file.chmod(0o600)
    return file


def status(key: ApiKey, sent: str) -> int:
    try:
        key.check(f"Bearer {sent}")
    except ApiError as error:
        return error.status
    return 200


def test_a_file_that_is_as_it_was_is_not_read_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_stamp, "SETTLED_NS", -1)
    key = ApiKey(str(file))
    monkeypatch.setattr(api_key, "read_key", None)
    assert status(key, "old") == 200


def test_two_writes_at_the_same_moment_are_told_apart(file: Path) -> None:
    key = ApiKey(str(file))
    before = file.stat()
    file.write_text("new")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (status(key, "old"), status(key, "new")) == (401, 200)


def test_a_file_that_was_replaced_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_stamp, "SETTLED_NS", -1)
    key = ApiKey(str(file))
    other = file.with_name("other")
    other.write_text("new")
    other.replace(file)
    assert (status(key, "old"), status(key, "new")) == (401, 200)


def test_others_who_can_read_the_key_are_told_of(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.chmod(0o640)
    key = ApiKey(str(file))
    assert caplog.messages == [f"others can read the API key; run: chmod 600 {file}"]
    status(key, "old")
    assert len(caplog.messages) == 1
