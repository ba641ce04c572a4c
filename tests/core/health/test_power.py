"""What the GPU draws, idle and at work."""

from dataclasses import replace

import pytest

from tests.health import MODEL, ON_CARD, STRONG
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health import power
from voicemode_whisper.core.health.report import CheckResult, ExpectedState
from voicemode_whisper.core.power import Power

BEFORE = replace(ON_CARD, idle_watts=12)
ON_PROCESSOR = ExpectedState("hip", STRONG, MODEL)


@pytest.mark.parametrize(
    ("expected", "now", "serves", "ahead", "found"),
    [
        (BEFORE, Power(14, 1), True, 0,
         "14 W, 1 % busy, whisper-server idle; 12 W before it was set up"),
        (ON_CARD, Power(71, 100), True, 0, "71 W, 100 % busy, whisper-server idle"),
        (BEFORE, Power(182, 97), True, 2, "182 W, 97 % busy, not idle: 2 requests are ahead"),
        (BEFORE, Power(71), False, 0,
         "71 W, whisper-server not running; 12 W before it was set up"),
        (BEFORE, Power(None, 100), True, 0,
         "not known: the kernel does not say what the GPU draws"),
        (ON_PROCESSOR, Power(38, 2), True, 0,
         "38 W for the whole processor, 2 % busy, whisper-server idle"),
    ],
)  # fmt: skip
def test_what_the_gpu_draws(
    expected: ExpectedState, now: Power, serves: bool, ahead: int, found: str
):
    assert power.power(expected, now, serves, ahead) == CheckResult("power", found)


@pytest.mark.parametrize("busy", [0, 100, None])
def test_an_idle_card_that_draws_more_than_before_is_told_with_what_mends_it(busy: int | None):
    row = power.power(BEFORE, Power(71, busy), serves=True)
    assert "71 W" in row.found
    assert "12 W before" in row.found
    assert row.fix == f"{DEPLOY_AGAIN} --data idle_stop=15min"
    assert row.cause.startswith("some firmware keeps the clocks up")


def test_it_is_not_wrong_where_whisper_server_is_stopped_when_nobody_asks():
    row = power.power(replace(BEFORE, rests=True), Power(71, 100), serves=True)
    assert not row.failed
    assert row.found.endswith("12 W before it was set up; idle_stop ends that")


def test_what_the_gpu_did_meanwhile():
    row = power.load
    assert row(ON_CARD, Power(182, 97)) == [CheckResult("load", "up to 182 W, 97 % busy")]
    assert row(ON_CARD, Power(None, 97)) == [CheckResult("load", "up to 97 % busy")]
    assert row(ON_CARD, Power()) == []
