"""What is installed: what serves, the packages, the build and the model."""

import pytest

from tests.health import FOR_CPU, MANIFEST, MODEL, ON_CARD, ON_CPU, STRONG, TOOLS
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.generations import (
    CANDIDATE,
    CONFIRMED,
    REJECTED,
    Generation,
    Generations,
)
from voicemode_whisper.core.health import installation
from voicemode_whisper.core.health.report import CheckResult, ExpectedState
from voicemode_whisper.core.models import ModelFile


def generation(number: int, status: str) -> Generation:
    return Generation(
        number, status, "f" * 12, "whisper.cpp v1.9.1 with small.en", "127.0.0.1:2023", 2022,
        reason="it crashed" if status == REJECTED else "", when="2026-11-28T02:00:00+00:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "current", "found", "fix"),
    [
        ([], None, "none is set up", DEPLOY_AGAIN),
        ([CONFIRMED], 1, "1 (whisper.cpp v1.9.1 with small.en), confirmed 2026-11-28", ""),
        (
            [CANDIDATE],
            1,
            "1 (whisper.cpp v1.9.1 with small.en), candidate 2026-11-28",
            DEPLOY_AGAIN,
        ),
        (
            [CONFIRMED, REJECTED],
            1,
            "1 (whisper.cpp v1.9.1 with small.en), confirmed 2026-11-28; generation 2 (whisper.cpp "
            "v1.9.1 with small.en) was rejected on 2026-11-28: it crashed",
            "",
        ),
    ],
)
def test_the_generation(statuses: list[str], current: int | None, found: str, fix: str):
    all_of_them = tuple(generation(number + 1, status) for number, status in enumerate(statuses))
    expected = CheckResult("generation", found, fix)
    assert installation.generation(Generations(all_of_them, current)) == expected


@pytest.mark.parametrize(
    ("expected", "missing", "row"),
    [
        (ON_CARD, [], CheckResult("ROCm", ", ".join(TOOLS[:4]))),
        (ON_CPU, [], CheckResult("packages", "c++ (GCC) 15.2.1 20251112")),
        (
            ON_CARD,
            ["rocm-hip-sdk", "ninja"],
            CheckResult("ROCm", "lacks rocm-hip-sdk, ninja", "sudo pacman -Syu rocm-hip-sdk ninja"),
        ),
        (ON_CPU, ["git"], CheckResult("packages", "lacks git", "sudo pacman -Syu git")),
    ],
)
def test_the_packages(expected: ExpectedState, missing: list[str], row: CheckResult):
    assert installation.packages(expected, missing, TOOLS) == row


@pytest.mark.parametrize(
    ("expected", "manifest", "found", "fix"),
    [
        (ON_CARD, MANIFEST, "whisper.cpp v1.9.1 for gfx1100, gfx1101, of 2026-11-22", ""),
        (ON_CPU, FOR_CPU, "whisper.cpp v1.9.1 for the CPU, of 2026-11-22", ""),
        (ON_CARD, None, "made by hand, from what is not known", DEPLOY_AGAIN),
        (ON_CARD, FOR_CPU, "whisper.cpp v1.9.1 for cpu, asked for is hip", DEPLOY_AGAIN),
        (ON_CPU, MANIFEST, "whisper.cpp v1.9.1 for hip, asked for is cpu", DEPLOY_AGAIN),
        (
            ExpectedState("hip", STRONG, MODEL),
            MANIFEST,
            "whisper.cpp v1.9.1 for gfx1100, gfx1101: no code for gfx1151",
            f"{DEPLOY_AGAIN} --data gpu_targets=auto",
        ),
        (
            ON_CARD,
            {**MANIFEST, "toolchain": ["rocblas 7.1.0-1", *TOOLS[:2], *TOOLS[3:]]},
            "whisper.cpp v1.9.1 of 2026-11-22, when ROCm was another: now rocblas 7.2.0-1",
            DEPLOY_AGAIN,
        ),
    ],
)
def test_the_build(
    expected: ExpectedState, manifest: dict[str, object] | None, found: str, fix: str
):
    assert installation.build(expected, True, manifest, TOOLS) == CheckResult("build", found, fix)


def test_no_build():
    assert installation.build(ON_CARD, False, None, TOOLS) == CheckResult(
        "build", "there is none", DEPLOY_AGAIN
    )


def test_a_build_that_was_changed():
    row = installation.changed_build("/b", ["bin/whisper-server", "vad.bin"])
    assert row == CheckResult(
        "build",
        "changed since it was accepted: bin/whisper-server, vad.bin",
        f"rm -r /b && {DEPLOY_AGAIN}",
    )


STAMPED = ModelFile(MODEL.sha256, True, MODEL.sha256)
SAMPLED = "small.en, a sample of it is as when its SHA-256 was right"
RIGHT, OTHER = "small.en, its SHA-256 is right", "ggml-small.en.bin is another file than small.en"


@pytest.mark.parametrize(
    ("file", "taken", "found", "fix"),
    [
        (STAMPED, "", SAMPLED, ""),
        (STAMPED, MODEL.sha256, RIGHT, ""),
        (ModelFile(MODEL.sha256), "", RIGHT, ""),
        (None, "", "small.en is not there", DEPLOY_AGAIN),
        (ModelFile("cd" * 32), "", OTHER, DEPLOY_AGAIN),
        (ModelFile("cd" * 32), "cd" * 32, OTHER, DEPLOY_AGAIN),
        # Of this the deploy sees nothing, unless it has to read all of it.
        (STAMPED, "cd" * 32, OTHER, f"touch /m && {DEPLOY_AGAIN}"),
    ],
)
def test_the_model(file: ModelFile | None, taken: str, found: str, fix: str):
    row = installation.model(ON_CARD, "/m", file, taken, served="small.en")
    assert row == CheckResult("model", found, fix)


def test_another_model_than_the_one_that_serves():
    row = installation.model(ON_CARD, "/m", STAMPED, served="tiny.en")
    assert row == CheckResult("model", "tiny.en serves, asked for is small.en", DEPLOY_AGAIN)
