"""VoiceMode itself on a machine of ours: its own service commands on our units, and its client."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boxes import Box, kinds, ssh, wheels
from tests.machines.deploying import ROOT, SERVICES, deployed, raise_boxes, transcript
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.core.speech import is_spoken
from voicemode_whisper.unit_files import MARKER

pytestmark = pytest.mark.clients

SYSTEMCTL = "systemctl --user"
UNIT = f"~/.config/systemd/user/{SERVER_UNIT}"
# What VoiceMode's own installer leaves, without which it enables nothing.
START_SCRIPT = f"{SERVICES}/whisper/bin/start-whisper-server.sh"


@pytest.fixture(scope="module")
def box(served: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box that was deployed to, with VoiceMode in ~/vm.

    Boxes have no sound, so `sounddevice`, which wants PortAudio, is empty there.
    """
    packages = tmp_path_factory.mktemp("voicemode") / "wheels"
    wheels.build(packages, [ROOT / "requirements/voicemode.lock"], kinds.PLAIN.python)
    with raise_boxes("voicemode", base=served) as (serving,):
        send(packages, serving)
        serving.run("python3 -m venv vm && vm/bin/pip install -q --no-index --no-deps wheels/*")
        serving.run("for file in vm/lib/python3*/site-packages/sounddevice.py; do : > $file; done")
        serving.run("cat > client.py", input=(ROOT / "tests/proxy/voicemode_client.py").read_text())
        yield serving


def send(directory: Path, box: Box) -> None:
    """Have a directory in ada's home, by its name."""
    tar = ["tar", "-C", str(directory.parent), "-cf", "-", directory.name]
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as packed:
        unpack = [*ssh.arguments(box.address), "tar -xf -"]
        subprocess.run(unpack, stdin=packed.stdout, check=True, capture_output=True, timeout=120)


def voicemode(box: Box, command: str) -> str:
    """What `voicemode service COMMAND whisper` says."""
    return box.run(f"vm/bin/voicemode service {command} whisper 2>&1", timeout=120).stdout


def is_ours(box: Box) -> bool:
    return MARKER in box.run(f"cat {UNIT}").stdout


def test_it_transcribes_as_the_deploy_has_set_it(box: Box):
    answer = box.run(f"vm/bin/python client.py {SERVICES}/whisper.cpp/samples/jfk.wav").stdout
    assert is_spoken(json.loads(answer)["transcription"]["text"])


def test_it_sees_that_whisper_runs_and_is_well(box: Box):
    status = voicemode(box, "status")
    assert "Whisper is running locally" in status
    assert "Port: 2022" in status
    health = voicemode(box, "health")
    assert "Whisper is responding" in health
    assert "Status: ok" in health


def test_it_stops_and_starts_our_unit_and_a_request_waits(box: Box):
    assert "Whisper stopped" in voicemode(box, "stop")
    assert box.run(f"{SYSTEMCTL} is-active {SERVER_UNIT}; true").stdout == "inactive\n"
    box.run(f"cp {SERVICES}/whisper.cpp/samples/jfk.wav .")
    # A request waits for 45 s; a slow machine takes longer, and clients try again then.
    ask = "curl -sS --retry 5 -F file=@jfk.wav -F response_format=text"
    send_it = f"{ask} 127.0.0.1:2023/v1/audio/transcriptions > heard 2>&1; touch done"
    box.run(f"({send_it}) > /dev/null 2>&1 &")
    assert "Whisper started" in voicemode(box, "start")
    box.run("until [ -e done ]; do sleep 0.1; done", timeout=200)
    assert is_spoken(box.run("cat heard").stdout)
    assert "Whisper started" in voicemode(box, "restart")
    assert is_spoken(transcript(box))
    assert is_ours(box)
    assert deployed(box).changes == 0


def test_it_enables_nothing_that_its_installer_has_not_left(box: Box):
    assert "start script not found" in voicemode(box, "enable")
    assert is_ours(box)


def test_what_it_writes_over_our_unit_the_next_deploy_keeps_aside(box: Box):
    box.run(f"mkdir -p $(dirname {START_SCRIPT}); echo 'sleep 1000' > {START_SCRIPT}")
    box.run(f"chmod +x {START_SCRIPT}")
    voicemode(box, "enable")
    assert not is_ours(box)
    deployed(box)
    assert is_ours(box)
    assert "start-whisper-server.sh" in box.run(f"cat {UNIT}.by-hand").stdout
    assert is_spoken(transcript(box))


def test_what_it_disables_the_next_deploy_enables(box: Box):
    assert "disabled and removed" in voicemode(box, "disable")
    assert box.run(f"ls {UNIT}; true").stdout == ""
    deployed(box)
    assert is_ours(box)
    assert box.run(f"{SYSTEMCTL} is-enabled {SERVER_UNIT}").stdout == "enabled\n"
    assert is_spoken(transcript(box))
