"""VoiceMode's settings on a real disk: one line changes, and nothing else."""

import getpass
import os
from pathlib import Path

import pytest

from tests.operations.conftest import Apply, Failed
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.voicemode_env import BEFORE, STT
from voicemode_whisper.operations.env_file import pointed, restored

URL, CLOUD = "http://127.0.0.1:2023/v1", "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY=sk-é\n"
SET = f"{STT}={URL}\n"


class Home:
    """A home whose VoiceMode is pointed at the proxy, and no more."""

    def __init__(self, apply: Apply, path: Path) -> None:
        self.apply = apply
        self.place = path / "my home" / ".voicemode"
        self.place.mkdir(parents=True)
        self.env = self.place / "voicemode.env"
        self.arguments = {"layout": Layout(str(self.place.parent)), "user": getpass.getuser()}

    def point(self) -> int:
        return self.apply(pointed, **self.arguments, url=URL)

    def restore(self) -> int:
        return self.apply(restored, **self.arguments, own=[URL])

    @property
    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.place.iterdir()}


@pytest.fixture
def home(apply: Apply, tmp_path: Path) -> Home:
    return Home(apply, tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"voicemode.env": SET}),
        ({"voicemode.env": KEY}, {"voicemode.env": KEY + SET}),
        ({".voicemode.env": KEY}, {".voicemode.env": KEY + SET}),
        (
            {"voicemode.env": "", ".voicemode.env": KEY},
            {"voicemode.env": SET, ".voicemode.env": KEY},
        ),
        (
            {"voicemode.env": f"{KEY}{STT} = '{CLOUD}'\nA=1\n"},
            {"voicemode.env": f"{KEY}{BEFORE}{STT} = '{CLOUD}'\n{STT} = '{URL}'\nA=1\n"},
        ),
    ],
)
def test_it_is_set_once_and_put_back(home: Home, before: dict[str, str], after: dict[str, str]):
    for name, text in before.items():
        (home.place / name).write_text(text)
    assert (home.point(), home.point()) == (1, 0)
    assert home.files == after
    assert (home.restore(), home.restore()) == (1, 0)
    assert home.files == {name: text for name, text in before.items() if text}


def test_a_new_file_is_for_its_user_alone(home: Home):
    home.point()
    assert home.env.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o400, 0o444, 0o600, 0o640])
def test_mode_and_attributes_stay(home: Home, mode: int):
    home.env.write_text(KEY)
    os.setxattr(home.env, "user.origin", b"mine")
    home.env.chmod(mode)
    home.point()
    assert home.files == {"voicemode.env": KEY + SET}
    assert home.env.stat().st_mode & 0o777 == mode
    assert os.getxattr(home.env, "user.origin") == b"mine"


def test_a_link_stays_and_its_file_is_never_removed(home: Home, tmp_path: Path):
    real = tmp_path / "dotfiles.env"
    home.env.symlink_to("../../dotfiles.env")
    assert home.point() == 1
    assert (home.env.is_symlink(), real.read_text()) == (True, SET)
    home.restore()
    assert (home.env.is_symlink(), real.read_text()) == (True, "")


def test_a_file_in_a_directory_that_is_a_link_is_removed(home: Home, tmp_path: Path):
    home.place.rename(tmp_path / "elsewhere")
    home.place.symlink_to(tmp_path / "elsewhere")
    home.point()
    home.restore()
    assert home.files == {}


def test_what_a_killed_run_left_is_removed_even_if_nothing_else_is_to_do(home: Home):
    home.env.write_text(SET)
    (home.place / "voicemode.env.voicemode-whisper").write_text(KEY)
    assert (home.point(), home.point()) == (1, 0)
    assert home.files == {"voicemode.env": SET}


def test_what_is_no_file_is_one_line(home: Home):
    home.env.mkdir()
    with pytest.raises(Failed, match=r"voicemode\.env is a directory, and not a file of settings"):
        home.point()
