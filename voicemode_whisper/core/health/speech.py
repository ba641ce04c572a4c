"""What the services make of speech, and how fast."""

from collections.abc import Mapping
from typing import Any

from voicemode_whisper.core.acceptance import recorded_speeds
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.report import CheckResult, ExpectedState, restart
from voicemode_whisper.core.layout import PROXY_UNIT, WYOMING_UNIT
from voicemode_whisper.core.speech import SAMPLE_SECONDS, is_spoken
from voicemode_whisper.core.speed import Speed, fastest

# What the guide that this project began with measured.
GUIDE = "480 ms total, 93 ms encode, 23x real time (RX 7800 XT, small.en)"
# Seconds that an answer may take more than the build did when it was tried: it may have to queue.
PATIENCE = 2
# What curl says where a file that it is to send is not there.
NO_FILE = "curl: (26)"


def speech(url: str, text: str, seconds: float, best: Speed | None, ahead: int = 0) -> CheckResult:
    """What the proxy makes of the sample, in so many seconds; `best` is what the build can do.

    It waits for `ahead` others: then nothing follows from the time.
    """
    if not is_spoken(text):
        found = f"{url} does not transcribe the sample: {text[:160] or 'no answer'}"
        return CheckResult("speech", found, DEPLOY_AGAIN)
    found = f"the sample of {SAMPLE_SECONDS} s transcribed in {seconds:.2f} s"
    if ahead:
        return CheckResult("speech", f"{found}, after {ahead} others")
    if best and seconds > best.total / 1000 * 2 + PATIENCE:
        found += f", where {best.total / 1000:.2f} s were enough when it was built"
        return CheckResult(
            "speech", found, "rocm-smi; top  # end what else uses the GPU or the CPU"
        )
    return CheckResult("speech", found)


def not_decoded(url: str, answer: str, wav_is_spoken: bool) -> list[CheckResult]:
    """What to say of an MP3 of speech that the proxy does not transcribe: nothing where WAV is not
    either, or where the recording is not there.
    """
    if not wav_is_spoken or NO_FILE in answer:
        return []
    found = f"{url} transcribes WAV, but of MP3 it says: {answer[:160] or 'nothing'}"
    return [CheckResult("decoding in use", found, f"journalctl --user -u {PROXY_UNIT} -n 20")]


def wyoming(listen: str, heard: str) -> CheckResult:
    """What comes of speech that is sent as Home Assistant sends it, to ADDRESS:PORT."""
    if is_spoken(heard):
        found = f"{listen} transcribes the sample (Wyoming)"
        return CheckResult("Home Assistant", found)
    found = f"{listen} does not transcribe the sample: {heard[:160] or 'no answer'}"
    return CheckResult("Home Assistant", found, restart(WYOMING_UNIT))


def speed(expected: ExpectedState, manifest: Mapping[str, Any] | None) -> list[CheckResult]:
    """How fast the build was when it was tried, each way, beside the guide's."""
    speeds = recorded_speeds(manifest or {}, expected.model)
    best = fastest(speeds)
    if best is None:
        return [CheckResult("speed", f"never measured with {expected.model.name}", DEPLOY_AGAIN)]
    others = [speed for speed in speeds if speed != best]
    other = f", {_with(others[0])} {others[0].total:.0f} ms" if others else ""
    own = f"{best.label} ({expected.model.name}, {_with(best)} flash attention{other})"
    return [CheckResult("speed", own), CheckResult("guide's speed", GUIDE)]


def _with(speed: Speed) -> str:
    return "with" if speed.flash_attention else "without"
