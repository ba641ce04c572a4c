"""What the services make of speech, and how fast."""

import pytest

from tests.health import FAST, MANIFEST, MODEL, ON_CARD, PLAIN, SPOKEN, URL
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health import speech
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import PROXY_UNIT, WYOMING_UNIT
from voicemode_whisper.core.speed import Speed


@pytest.mark.parametrize(
    ("text", "seconds", "best", "found", "fix"),
    [
        (SPOKEN, 0.52, FAST, "the sample of 11 s transcribed in 0.52 s", ""),
        (SPOKEN, 2.9, FAST, "the sample of 11 s transcribed in 2.90 s", ""),
        (SPOKEN, 60, None, "the sample of 11 s transcribed in 60.00 s", ""),
        (
            SPOKEN,
            3,
            FAST,
            "the sample of 11 s transcribed in 3.00 s, where 0.48 s were enough when it was built",
            "rocm-smi; top  # end what else uses the GPU or the CPU",
        ),
        ("bananas", 1, FAST, f"{URL} does not transcribe the sample: bananas", DEPLOY_AGAIN),
        ("", 1, FAST, f"{URL} does not transcribe the sample: no answer", DEPLOY_AGAIN),
    ],
)
def test_speech(text: str, seconds: float, best: Speed | None, found: str, fix: str):
    assert speech.speech(URL, text, seconds, best) == CheckResult("speech", found, fix)


def test_speech_that_had_to_wait_is_no_fault():
    row = speech.speech(URL, SPOKEN, 30, FAST, ahead=2)
    assert row == CheckResult("speech", "the sample of 11 s transcribed in 30.00 s, after 2 others")


def test_the_speed_stands_beside_the_guide_s():
    assert speech.speed(ON_CARD, MANIFEST) == [
        CheckResult(
            "speed",
            "480 ms total, 93 ms encode, 22.9x real time "
            "(small.en, with flash attention, without 520 ms)",
        ),
        CheckResult(
            "guide's speed", "480 ms total, 93 ms encode, 23x real time (RX 7800 XT, small.en)"
        ),
    ]


def test_the_speed_of_one_way_alone():
    manifest = {"acceptance": {MODEL.sha256: {"speeds": [PLAIN.record]}}}
    assert speech.speed(ON_CARD, manifest)[0].found.endswith("(small.en, without flash attention)")


@pytest.mark.parametrize("manifest", [None, {"acceptance": {}}])
def test_a_speed_that_nobody_measured(manifest: dict[str, object] | None):
    assert speech.speed(ON_CARD, manifest) == [
        CheckResult("speed", "never measured with small.en", DEPLOY_AGAIN)
    ]


def test_an_mp3_that_the_proxy_does_not_transcribe():
    url = "http://127.0.0.1:2023"
    (row,) = speech.not_decoded(url, "ffmpeg is broken on the server", wav_is_spoken=True)
    assert row.found == (
        "http://127.0.0.1:2023 transcribes WAV, but of MP3 it says: ffmpeg is broken on the server"
    )
    assert row.fix == f"journalctl --user -u {PROXY_UNIT} -n 20"
    assert speech.not_decoded(url, "no answer", wav_is_spoken=False) == []
    assert (
        speech.not_decoded(url, "curl: (26) Failed to open/read local data", wav_is_spoken=True)
        == []
    )


def test_home_assistant_s_row():
    at = "0.0.0.0:10300"
    heard = speech.wyoming(at, SPOKEN)
    assert (heard.found, heard.fix) == (f"{at} transcribes the sample (Wyoming)", "")
    refused = speech.wyoming(at, "Error code: 401")
    assert refused.found == f"{at} does not transcribe the sample: Error code: 401"
    assert refused.fix.startswith(f"systemctl --user restart {WYOMING_UNIT}")
