"""Which of several builds serves, and what is remembered of the others."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.generations import MODEL
from voicemode_whisper.core.acceptance import SmokeTest, record_acceptance, record_refusal
from voicemode_whisper.core.choice import Candidate, alternative, choose, comparison
from voicemode_whisper.core.generations import Alternative
from voicemode_whisper.core.speed import Speed

NOW = datetime(2026, 11, 30, tzinfo=UTC)
TOTAL = "whisper_print_timings:    total time = {} ms"


def accepted(backend: str, work: float, **server: int) -> Candidate:
    """One that takes so many milliseconds for the sample, after 200 of loading."""
    tests = [
        SmokeTest("whisper-cli-cold", 0, "", (TOTAL.format(4000),)),
        SmokeTest("whisper-server", 0, "", (), **server),
        SmokeTest("whisper-cli", 0, "", ()),
    ]
    speeds = [Speed("-fa", 200, 90, 200 + work), Speed("-nfa", 200, 95, 250 + work)]
    return Candidate(backend, f"builds/{backend}", record_acceptance({}, MODEL, NOW, tests, speeds))


def refused(backend: str) -> Candidate:
    manifest = record_refusal({}, MODEL, NOW, "whisper-cli ended with signal 6")
    return Candidate(backend, f"builds/{backend}", manifest)


def absent(backend: str) -> Candidate:
    return Candidate(backend, f"builds/{backend}", {})


HIP, VULKAN, SLOW = accepted("hip", 280), accepted("vulkan", 240), accepted("vulkan", 500)


@pytest.mark.parametrize(
    ("candidates", "by_speed", "place"),
    [
        ([HIP, VULKAN], False, 0),
        ([HIP, VULKAN], True, 1),
        ([HIP, SLOW], True, 0),
        ([HIP, accepted("vulkan", 280)], True, 0),
        ([refused("hip"), VULKAN], False, 1),
        ([refused("hip"), VULKAN], True, 1),
        ([HIP, refused("vulkan")], True, 0),
        ([HIP, absent("vulkan")], True, 0),
        ([absent("hip"), absent("vulkan")], False, 1),
        ([refused("hip"), refused("vulkan")], True, 1),
    ],
)
def test_the_first_that_was_accepted_serves_or_the_fastest(
    candidates: list[Candidate], by_speed: bool, place: int
):
    assert choose(candidates, MODEL, by_speed) == place


def test_what_is_slower_is_remembered_with_its_time_and_what_was_refused_with_the_reason():
    assert alternative(HIP, MODEL) == Alternative("hip", "builds/hip", milliseconds=280)
    why = "whisper-cli ended with signal 6"
    found = alternative(refused("hip"), MODEL)
    assert found == Alternative("hip", "builds/hip", why, "2026-11-30T00:00:00+00:00")
    assert alternative(absent("hip"), MODEL) is None


def test_both_are_compared_in_a_table():
    serves = accepted("hip", 280, memory=600 << 20, watts=71)
    assert comparison([serves, SLOW], MODEL, 0) == [
        "        cold start  11 s of speech  encode  GPU memory  idle",
        "HIP     4000 ms     480 ms          90 ms   600 MiB     71 W  serves",
        "Vulkan  4000 ms     700 ms          90 ms",
    ]


def test_one_alone_is_compared_with_nothing():
    lines: list[Any] = comparison([refused("hip"), VULKAN], MODEL, 1)
    assert lines == []
