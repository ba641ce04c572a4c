"""The parser of VoiceMode's settings, against VoiceMode's own."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.clients.installed import python
from tests.core.test_voicemode_env import RECORDED, WORDS
from voicemode_whisper.core.voicemode_env import LISTEN, STT, reading

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent


def asked(home: Path, *command: str | Path, **how: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(
        [python("voicemode"), *command],
        cwd=home, env=environment, check=True, capture_output=True, text=True, **how,
    ).stdout  # fmt: skip


def voicemode_reads(home: Path, texts: list[str]) -> list[str | None]:
    lines = "".join(f"{json.dumps(text)}\n" for text in texts)
    said = asked(home, HERE / "voicemode_env.py", input=lines).splitlines()
    return [json.loads(line) for line in said[-len(texts) :]]


def test_what_was_recorded_is_what_voicemode_reads(tmp_path: Path):
    found = voicemode_reads(tmp_path, [case["text"] for case in RECORDED])
    assert found == [case["value"] for case in RECORDED]


def test_any_text_is_read_as_voicemode_does(tmp_path: Path):
    chance = random.Random(9)
    texts = ["".join(chance.choices(WORDS, k=chance.randint(1, 20))) for _ in range(3000)]
    found = voicemode_reads(tmp_path, texts)
    assert sum(value is not None for value in found) > 500
    ours = [reading(text, STT) for text in texts]
    assert [one and one.value for one in ours] == found


def test_listen_reads_no_file(tmp_path: Path):
    place = tmp_path / ".voicemode"
    place.mkdir()
    (place / "voicemode.env").write_text(f"{LISTEN}=http://proxy.example/v1\n")
    code = "from voice_mode.listen.stt import DEFAULT_WHISPER_URL as url; print(url)"
    assert "proxy.example" not in asked(tmp_path, "-c", code)
