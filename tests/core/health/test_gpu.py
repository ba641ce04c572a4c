"""Which GPU there is, through what it is used, and whether it is."""

from dataclasses import replace

import pytest

from tests.generations import generation
from tests.health import CARD, MODEL, ON_CARD, ON_CPU, SERVER
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN, Finding
from voicemode_whisper.core.generations import Alternative
from voicemode_whisper.core.health import gpu
from voicemode_whisper.core.health.report import CheckResult, ExpectedState

BY_VULKAN = ExpectedState("vulkan", CARD, MODEL)
REFUSED = Alternative("hip", "builds/hip", "it fell back", "2026-11-30T01:02:03")
SLOWER = Alternative("vulkan", "builds/vulkan", milliseconds=500)


@pytest.mark.parametrize(
    ("expected", "row"),
    [
        (ON_CARD, CheckResult("GPU", CARD.label)),
        (ExpectedState("cpu", CARD, MODEL), CheckResult("GPU", f"{CARD.label}; not used")),
        (ON_CPU, CheckResult("GPU", "none; the CPU is used")),
        (
            ExpectedState("hip", None, MODEL),
            CheckResult(
                "GPU",
                "the kernel shows none, instead of one for HIP",
                "sudo dmesg | grep -E 'amdgpu|kfd'",
            ),
        ),
    ],
)
def test_the_gpu(expected: ExpectedState, row: CheckResult):
    assert gpu.gpu(expected) == row


@pytest.mark.parametrize(
    ("expected", "other", "backends", "row"),
    [
        (
            BY_VULKAN,
            REFUSED,
            ("hip", "vulkan"),
            CheckResult(
                "backend",
                "Vulkan, as HIP was refused on 2026-11-30",
                f"{DEPLOY_AGAIN} --data retry=yes  # tries it again",
                "it fell back",
                warning=True,
            ),
        ),
        (BY_VULKAN, REFUSED, ("vulkan",), None),  # it would not be tried
        (
            ON_CARD,
            SLOWER,
            ("hip", "vulkan"),
            CheckResult(
                "backend", "HIP, the faster on this card: Vulkan takes 500 ms without loading"
            ),
        ),
    ],
)
def test_what_the_gpu_is_used_through_where_there_is_a_choice(
    expected: ExpectedState,
    other: Alternative,
    backends: tuple[str, ...],
    row: CheckResult | None,
):
    serving = replace(generation(1), alternatives=(other,))
    assert gpu.backend(expected, serving, backends) == ([row] if row else [])
    assert gpu.backend(expected, None, backends) == []


def test_access():
    assert gpu.access(None, tried=True).fix == ""
    assert gpu.access(Finding("what", "fix"), tried=True) == CheckResult("access", "what", "fix")


def test_access_that_nobody_could_try():
    assert gpu.access(None, tried=False) == CheckResult(
        "access",
        "not known: the user's service manager starts nothing",
        "systemctl --user status",
    )


def test_the_device_in_use():
    other, cause = "cpu instead of hip", Finding("what", "fix")
    row = gpu.device
    assert row(None, None, "RX 7800 XT") == CheckResult("device in use", "RX 7800 XT")
    assert row(other, cause, "") == CheckResult("device in use", other, "fix", "what")


def test_a_device_that_is_not_used_for_want_of_access_is_told_once():
    cause = Finding("what", "fix")
    assert gpu.device("cpu instead of hip", cause, "", cause) == CheckResult(
        "device in use",
        "cpu instead of hip",
        f"systemctl --user restart {SERVER}  # once access is fixed",
        "see access",
    )


def test_a_device_that_is_not_used_for_no_known_cause_may_be_after_a_restart():
    row = gpu.device("the CPU, as the kernel tells", None, "")
    assert row.fix.startswith(f"systemctl --user restart {SERVER}; ")
    assert row.cause == ""
