"""What the shell makes of who listens on this machine."""

import os
from pathlib import Path

from tests.facts.answers import answer, program
from voicemode_whisper.facts.ports import Listeners


def test_a_listener_is_named_with_its_unit(tmp_path: Path):
    line = f'LISTEN 0 5 127.0.0.1:2023 0.0.0.0:* users:(("python3",pid={os.getpid()},fd=3))'
    program(tmp_path / "bin", "ss", f"[ \"$*\" = '-Hltnp sport = :2023' ] && echo '{line}'")
    cgroup = tmp_path / f"proc/{os.getpid()}/cgroup"
    cgroup.parent.mkdir(parents=True)
    cgroup.write_text("0::/user.slice/user-1000.slice/session-4.scope\n")
    found = answer(Listeners, {"/proc": tmp_path / "proc"}, tmp_path / "bin", port=2023)
    assert found == ["python3 in session-4.scope"]


def test_a_free_port_has_no_listener(tmp_path: Path):
    program(tmp_path / "bin", "ss", "true")
    assert answer(Listeners, programs=tmp_path / "bin", port=2023) == []
