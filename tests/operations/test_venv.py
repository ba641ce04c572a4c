"""Virtual environments, made for real from lock files that ask for nothing."""

from pathlib import Path

import pytest

from tests.operations.conftest import Apply, Failed
from voicemode_whisper.operations import venv

pytestmark = pytest.mark.slow


def test_an_environment_is_made_once_beside_the_link(apply: Apply, tmp_path: Path):
    (tmp_path / "lock").touch()
    arguments = {"path": f"{tmp_path}/v", "lock": f"{tmp_path}/lock", "lock_sha256": "d" * 64}
    assert apply(venv.locked, **arguments) > 0
    assert apply(venv.locked, **arguments) == 0
    (made,) = tmp_path.glob("v-*")
    assert (made / ".complete").exists()


def test_what_pip_says_is_shown_once_and_nothing_counts_as_made(apply: Apply, tmp_path: Path):
    with pytest.raises(Failed, match="No such file") as caught:
        apply(venv.locked, path=f"{tmp_path}/v", lock=f"{tmp_path}/none", lock_sha256="d" * 64)
    assert str(caught.value).count("No such file") == 1
    assert list(tmp_path.glob("v-*/.complete")) == []
