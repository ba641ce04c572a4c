"""What the GPU draws, idle and at work."""

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.health.report import CheckResult, ExpectedState
from voicemode_whisper.core.power import Power, draws_more


def power(expected: ExpectedState, now: Power, serves: bool, ahead: int = 0) -> CheckResult:
    """What the idle card draws; `serves` is whether a whisper-server runs, which keeps it awake.

    While `ahead` requests are running or waiting, nothing follows from it. How busy it says it is
    does not count: with the fault that is looked for, an idle card says 100 % (ROCm issue 2625).
    """
    if now.watts is None:
        return CheckResult("power", "not known: the kernel does not say what the GPU draws")
    found = _drawn(now, expected.gpu)
    if ahead:
        return CheckResult("power", f"{found}, not idle: {ahead} requests are ahead")
    found += f", whisper-server {'idle' if serves else 'not running'}"
    before = expected.idle_watts
    found += "" if before is None else f"; {before:.0f} W before it was set up"
    if not serves or not draws_more(now.watts, before):
        return CheckResult("power", found)
    if expected.rests:
        return CheckResult("power", f"{found}; idle_stop ends that")
    return CheckResult(
        "power",
        found,
        f"{DEPLOY_AGAIN} --data idle_stop=15min",
        "some firmware keeps the clocks up while a program has a context on the card, idle or not; "
        "or another program uses it now",
    )


def load(expected: ExpectedState, most: Power) -> list[CheckResult]:
    """What the GPU did while the sample was transcribed, where the kernel tells."""
    known = most != Power()
    return [CheckResult("load", f"up to {_drawn(most, expected.gpu)}")] if known else []


def _drawn(power: Power, gpu: Gpu | None) -> str:
    """Watts and percent, as far as they are known, for people: "12 W, 3 % busy"."""
    whole = " for the whole processor" if gpu and gpu.integrated else ""
    watts = [] if power.watts is None else [f"{power.watts:.0f} W{whole}"]
    return ", ".join([*watts, *([] if power.busy is None else [f"{power.busy} % busy"])])
