"""What the shell makes of real files."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.facts.answers import answer
from voicemode_whisper.core.environment import Setting
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.voicemode_env import LISTEN, STT
from voicemode_whisper.facts.env_file import EnvironmentSettings, VoiceModeEnv
from voicemode_whisper.scripts import words

CLOUD = "https://api.openai.com/v1"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / ".voicemode").mkdir()
    return Layout(str(tmp_path))


@pytest.fixture
def new(layout: Layout) -> Path:
    return Path(layout.voicemode_env[0])


@pytest.fixture
def legacy(layout: Layout) -> Path:
    return Path(layout.voicemode_env[1])


def read(layout: Layout):
    return answer(VoiceModeEnv, layout=layout)


def test_no_key_leaves_the_host(layout: Layout, new: Path):
    held = f"OPENAI_API_KEY='sk-1$\\]^ [a'\r\n # sk-2\n{STT} = {CLOUD}\nü=é\n\"{CLOUD},\nx"
    new.write_bytes(held.encode())
    found = read(layout)
    masked = f"xxxxxxxxxxxxxx='xxxxxxxx xx'\r\n # xxxx\n{STT} = {CLOUD}\nü=é\n\"{CLOUD},\nx"
    assert (found.text, found.size, found.kind) == (masked, len(held.encode()), "regular file")
    assert len(found.sha256) == 64


def test_every_printable_character_but_those_that_matter_is_hidden(layout: Layout, new: Path):
    new.write_text("".join(map(chr, range(0x20, 0x7F))))
    shown = set(read(layout).text)
    assert shown == {" ", '"', "'", "#", "=", "x"}


def test_the_older_name_is_read_where_the_newer_is_not(layout: Layout, new: Path, legacy: Path):
    assert (read(layout).path, read(layout).kind) == (str(new), "")
    legacy.write_text("A=1\n")
    assert read(layout).path == str(legacy)
    new.symlink_to("gone")
    assert read(layout).path == str(legacy)
    new.unlink()
    new.touch()
    assert read(layout).path == str(new)


def test_links_are_followed(layout: Layout, new: Path, tmp_path: Path):
    target = tmp_path / "dot files" / "env"
    new.symlink_to(target)
    found = read(layout)
    assert (found.real, found.is_link, found.kind, found.directory) == (
        str(target), True, "", "missing",
    )  # fmt: skip
    target.parent.mkdir()
    assert read(layout).directory == "ok"
    target.write_text("A=1\n")
    assert read(layout).kind == "regular file"


def test_what_is_no_file(layout: Layout, new: Path):
    new.symlink_to(new)
    assert read(layout).kind == "symbolic link"
    new.unlink()
    os.mkfifo(new)
    assert read(layout).kind == "fifo"
    new.unlink()
    new.mkdir()
    assert read(layout).kind == "directory"
    new.rmdir()
    new.symlink_to("/dev/null")
    assert read(layout).kind == "character special file"


@pytest.mark.parametrize(("held", "text"), [(b"A=\xff\n", None), (b"A\0=1\n", None), (b"", "")])
def test_what_is_no_text(layout: Layout, new: Path, held: bytes, text: str | None):
    new.write_bytes(held)
    assert read(layout).text == text


def test_a_huge_file_is_not_read(layout: Layout, new: Path):
    with new.open("wb") as file:
        file.truncate(1 << 33)
    found = read(layout)
    assert (found.size, found.sha256) == (1 << 33, "")
    assert "has 8589934592 bytes" in found.unreadable("root")


def test_what_sets_the_environment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    files = {
        ".bashrc": f"# export {STT}=x\nunset {STT}\n  export {STT}='{CLOUD}'\nA{STT}=1\n",
        ".profile": "# no_proxy=a\nexport no_proxy=.lan,127.0.0.1\n",
        ".config/environment.d/10 voice.conf": f"{LISTEN}={CLOUD}\n",
        ".config/fish/config.fish": f"set -gx {STT} {CLOUD}\nset -e {STT}\n",
        ".claude.json": f'{{"key": "sk-1", "env": {{"{STT}": "{CLOUD}", "KEY": "sk-2"}}}}',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = [one for one in answer(EnvironmentSettings) if one.path.startswith(str(tmp_path))]
    assert found == [
        Setting(STT, CLOUD, f"{tmp_path}/.bashrc", 3),
        Setting("no_proxy", ".lan,127.0.0.1", f"{tmp_path}/.profile", 2),
        Setting(STT, CLOUD, f"{tmp_path}/.config/fish/config.fish", 1),
        Setting(LISTEN, CLOUD, f"{tmp_path}/.config/environment.d/10 voice.conf", 1),
        Setting(STT, CLOUD, f"{tmp_path}/.claude.json", 1),
    ]


def edit(path: Path, sha256: str, *pieces: str) -> subprocess.CompletedProcess[str]:
    command = words("edit-file", str(path), sha256, *pieces)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_file_is_put_together_from_its_bytes(layout: Layout, new: Path):
    held = random.Random(1).randbytes(300_000)
    new.write_bytes(held)
    done = edit(new, read(layout).sha256, "0-7", "=é\n", "100000-299999", "299999-300000")
    assert done.returncode == 0, done.stderr
    assert new.read_bytes() == held[:7] + "é\n".encode() + held[100_000:]


def test_what_somebody_else_changed_is_left(layout: Layout, new: Path):
    new.write_text("A=1\n")
    sha256 = read(layout).sha256
    for text, told in (("A=2\n", sha256), ("", "")):
        new.write_text(text)
        done = edit(new, told, "=B\n")
        assert (done.returncode, new.read_text()) == (1, text)
        assert "changed by somebody else just now; run again" in done.stderr
    assert list(new.parent.iterdir()) == [new]


def test_what_a_killed_run_left_is_seen(layout: Layout, new: Path):
    new.write_text("A=1\n")
    left = Path(f"{new}.voicemode-whisper")
    left.touch(mode=0o400)
    assert read(layout).leftover
    assert edit(new, read(layout).sha256, "0-4").returncode == 0
    assert not read(layout).leftover
