"""What the GPU draws."""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.health import power
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.power import Power, draws_more
from voicemode_whisper.facts.power import GpuPower

# Seconds after which a card that has worked is idle again.
SETTLING = 5


def idle(exam: Examination, ahead: int) -> list[CheckResult]:
    """What the card draws, before the doctor has anything transcribed.

    `ahead` is how many requests the proxy has.
    """
    if exam.expected.backend == "cpu":
        return []
    device, serves = exam.host.gpu_device, bool(exam.server.pid)
    now: Power = exam.host.fact(GpuPower, device=device)
    if serves and not ahead and draws_more(now.watts, exam.expected.idle_watts):
        # It may be on its way down from the last request.
        now = exam.host.fact(GpuPower, device=device, pause=SETTLING)
    return [power.power(exam.expected, now, serves, ahead)]
