"""What the services make of speech, and how fast."""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.acceptance import recorded_speeds
from voicemode_whisper.core.health import power, speech
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import WYOMING_UNIT
from voicemode_whisper.core.settings import local_address
from voicemode_whisper.core.speech import is_spoken
from voicemode_whisper.core.speed import fastest
from voicemode_whisper.core.venv import WYOMING
from voicemode_whisper.facts.speech import WyomingTranscript


def transcription(exam: Examination, ahead: int, explained: bool) -> list[CheckResult]:
    """What comes of speech, as MP3 where that works: so ffmpeg is asked as clients ask it.

    `ahead` is how many requests the proxy has, `explained` whether it is told already why it may
    not decode.
    """
    host, expected = exam.host, exam.expected
    url = host.settings.proxy_url
    device = "" if expected.backend == "cpu" else host.gpu_device
    heard = exam.transcript(host.layout.compressed_sample, device)
    rows = []
    if not is_spoken(heard.text):
        refusal, heard = heard.text, exam.transcript(host.layout.sample, device)
        if not explained:
            rows = speech.not_decoded(url, refusal, is_spoken(heard.text))
    best = fastest(recorded_speeds(exam.manifest or {}, expected.model))
    row = speech.speech(url, heard.text, heard.seconds, best, ahead)
    return [*rows, row, *power.load(expected, heard.load)]


def wyoming(exam: Examination) -> list[CheckResult]:
    """What Home Assistant gets, where it is to get something and that runs."""
    listen = exam.serves.wyoming if exam.serves else ""
    if not listen or exam.services.units[WYOMING_UNIT].active != "active":
        return []
    address, port = local_address(listen)
    layout = exam.host.layout
    heard = exam.host.fact(
        WyomingTranscript,
        venv=f"{layout.current}/{WYOMING.part}",
        address=address,
        port=port,
        sample=layout.sample,
    )
    return [speech.wyoming(listen, heard)]


def speed(exam: Examination) -> list[CheckResult]:
    """How fast the build was when it was tried."""
    return speech.speed(exam.expected, exam.manifest)
