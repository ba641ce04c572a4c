"""A fresh machine, from nothing to working speech-to-text; then again, and over a reboot."""

import io
import json
import shlex
import wave
from collections.abc import Iterator

import openai
import pytest

from tests.boxes import BOX_PASSWORD, Box
from tests.machines.deploying import ROOT, SERVICES, Run, deployed, post, raise_boxes, sample
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken
from voicemode_whisper.scripts import words

BUILD_TOOLS = ("cc", "c++", "cmake", "git", "make", "ninja", "ccache", "ffmpeg", "python")


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with raise_boxes("fresh") as (fresh,):
        yield fresh


@pytest.fixture(scope="module")
def before(box: Box) -> list[str]:
    """The tools that were there before the first run."""
    return box.run(f"command -v {' '.join(BUILD_TOOLS)} || true").stdout.split()


@pytest.fixture(scope="module")
def first(box: Box, before: list[str]) -> Run:
    return deployed(box)


@pytest.fixture(scope="module")
def recording(box: Box, first: Run) -> bytes:
    return sample(box)


def test_the_toolchain_comes_through_pacman(box: Box, before: list[str], first: Run):
    assert before == []
    assert len(box.run(f"command -v {' '.join(BUILD_TOOLS)}").stdout.split()) == len(BUILD_TOOLS)
    owner = box.run("pacman -Qqo /usr/bin/cmake /usr/bin/git /usr/bin/c++").stdout.split()
    assert len(owner) == 3


def test_it_says_plainly_what_it_builds_for(first: Run):
    assert "whisper.cpp v1.9.1 with tiny.en for the CPU: no AMD GPU found" in first.output


def test_openai_s_client_hears_the_speech(box: Box, first: Run, recording: bytes):
    with tunnel(box, 2023) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        for audio_format in ("json", "text"):
            answer = client.audio.transcriptions.create(
                model="whisper-1", file=("jfk.wav", recording), response_format=audio_format
            )
            assert is_spoken(answer if isinstance(answer, str) else answer.text)
        assert "tiny.en" in [model.id for model in client.models.list()]


def test_everything_lies_where_the_guide_says(box: Box, first: Run):
    box.run(f"test -x {SERVICES}/whisper.cpp/build/bin/whisper-server")
    box.run(f"test -f {SERVICES}/whisper.cpp/models/ggml-tiny.en.bin")
    box.run(f"test -x {SERVICES}/whisper-proxy-venv/bin/python")
    for unit in ("voicemode-whisper", "voicemode-whisper-proxy"):
        box.run(f"test -f ~/.config/systemd/user/{unit}.service")
    env = box.run("cat ~/.voicemode/voicemode.env").stdout
    assert env == "VOICEMODE_STT_BASE_URLS=http://127.0.0.1:2023/v1\n"
    assert {"render", "video"} <= set(box.run("id -nG").stdout.split())


def test_whisper_server_answers_the_proxy_alone(box: Box, first: Run):
    secret = box.run(f"stat -c %a {SERVICES}/current/request-path").stdout
    assert secret == "600\n"
    page = "-H 'Origin: https://evil.example' -F model=/etc/hostname -F file=@/etc/hostname"
    for path in ("", "inference", "load"):
        assert _status(box, f"{page} http://127.0.0.1:2022/{path}") == "404"
    assert _status(box, "http://127.0.0.1:2022/health") == "200"
    path = box.run(f"cat {SERVICES}/current/request-path").stdout.strip()
    assert _status(box, f"http://127.0.0.1:2022{path}/") == "200"
    assert path not in box.run("cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '").stdout


def _status(box: Box, request: str) -> str:
    return box.run(f"curl -s -o /dev/null -w '%{{http_code}}' {request}").stdout


def test_what_is_said_after_a_long_silence_is_heard(box: Box, first: Run, recording: bytes):
    """Without voice activity detection, most of the second time is lost or invented."""
    with wave.open(io.BytesIO(recording)) as speech:
        form, frames = speech.getparams(), speech.readframes(speech.getnframes())
    twice = io.BytesIO()
    with wave.open(twice, "wb") as file:
        file.setparams(form)
        file.writeframes(frames + bytes(40 * form.framerate * form.sampwidth) + frames)
    with tunnel(box, 2023) as url:
        heard = post(url, twice.getvalue())
    assert heard.lower().count("ask what you can do for your country") == 2
    command = box.run("tr '\\0' ' ' < /proc/$(pgrep -x whisper-server)/cmdline").stdout
    assert "--vad-model" in command


def test_the_build_is_named_after_its_manifest(box: Box, first: Run):
    target = box.run(f"basename $(realpath {SERVICES}/whisper.cpp/build)").stdout.strip()
    manifest = json.loads(box.run(f"cat {SERVICES}/whisper.cpp/build/manifest.json").stdout)
    assert target == f"v1.9.1-{manifest['fingerprint']}"


def test_it_is_timed_both_ways_and_serves_with_what_is_faster(box: Box, first: Run):
    manifest = json.loads(box.run(f"cat {SERVICES}/whisper.cpp/build/manifest.json").stdout)
    (seen,) = manifest["acceptance"].values()
    speeds = {speed["flag"]: speed for speed in seen["speeds"]}
    assert set(speeds) == {"-fa", "-nfa"}
    best = min(speeds, key=lambda flag: speeds[flag]["processor"])
    command = box.run("tr '\\0' ' ' < /proc/$(pgrep -x whisper-server)/cmdline").stdout
    assert best in command.split()
    assert all(0 < speed["encode"] < speed["total"] for speed in speeds.values())
    assert f"v1.9.1 with tiny.en: {speeds[best]['total']:.0f} ms total" in first.output


def test_a_build_that_cmake_made_one_for_the_cpu_is_not_compiled(box: Box, first: Run):
    """The old name of the option is accepted without a word; nixpkgs and LocalAI fell for it."""
    build = "/home/ada/old-name"
    configure = f"cmake -G Ninja -S {SERVICES}/whisper.cpp -B {build} -DGGML_HIPBLAS=ON"
    require = shlex.join(words("require-backend", build, "hip", "gfx1101"))
    box.run(f"{configure} > /dev/null")
    assert "GGML_HIP is not on" in box.run(f"{require} || true").stderr
    box.run(f"sed -i s/^GGML_HIP:BOOL=.*/GGML_HIP:BOOL=ON/ {build}/CMakeCache.txt")
    assert "ggml-hip) is not among the targets" in box.run(f"{require} || true").stderr
    box.run(f"rm -r {build}")


def test_the_services_listen_on_loopback_alone(box: Box, first: Run):
    listeners = box.run("ss -Hltn '( sport = :2022 or sport = :2023 )'").stdout.splitlines()
    assert sorted(line.split()[3] for line in listeners) == ["127.0.0.1:2022", "127.0.0.1:2023"]


def test_nothing_in_the_home_belongs_to_another(box: Box, first: Run):
    assert box.run("find ~ada -not -user ada -print -quit", user="root").stdout == ""


def test_no_secret_and_no_path_of_the_controller_is_left(box: Box, first: Run):
    for secret in (str(ROOT), BOX_PASSWORD):
        found = box.run(
            f"grep -rIlsF -- '{secret}' ~ada /tmp /var/tmp /etc /root || true", user="root"
        )
        assert found.stdout == "", secret
    assert box.run("ls -A /tmp | grep -i pyinfra || true", user="root").stdout == ""


def test_a_second_run_changes_nothing(box: Box, first: Run):
    assert deployed(box).changes == 0


def test_after_a_reboot_both_services_answer_with_nobody_logged_in(
    box: Box, first: Run, recording: bytes
):
    box.reboot()
    answers = box.run(
        "for port in 2022 2023; do curl -fsS --retry 20 --retry-delay 1 --retry-connrefused "
        "-o /dev/null -w '%{http_code} ' http://127.0.0.1:$port/health; done",
        user="root",
    )
    assert answers.stdout == "200 200 "
    sessions = box.run("loginctl list-sessions --no-legend", user="root").stdout.splitlines()
    assert [line for line in sessions if " ada " in line and " user " in line] == []
    assert deployed(box).changes == 0


def test_a_service_that_died_is_back(box: Box, first: Run, recording: bytes):
    box.run("pkill -KILL whisper-server; sleep 3")
    box.run("curl -fsS --retry 20 --retry-delay 1 --retry-connrefused http://127.0.0.1:2022/health")
