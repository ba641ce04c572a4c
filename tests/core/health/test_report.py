"""How results of checks are shown, and what is expected of a host."""

import pytest

from tests.health import CARD, FOR_CPU, MANIFEST, STRONG
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.health import report
from voicemode_whisper.core.health.report import CheckResult, expected_backend

WEAK = Gpu(0, "gfx1036", 0)


def test_a_table_has_a_line_for_each_check_and_more_below_what_failed():
    results = [
        CheckResult("GPU", "a card"),
        CheckResult("access", "closed", "open it"),
        CheckResult("device in use", "cpu", "restart", "see access"),
    ]
    assert report.table(results) == [
        ("OK    GPU            a card", ""),
        ("FAIL  access         closed", "red"),
        ("                     fix: open it", "red"),
        ("FAIL  device in use  cpu", "red"),
        ("                     cause: see access", "red"),
        ("                     fix: restart", "red"),
    ]
    assert report.verdict(results) == "2 of 3 checks failed: access, device in use"


def test_nothing_is_said_of_what_is_well():
    assert report.verdict([CheckResult("GPU", "a card")]) == ""


def test_a_warning_is_no_failure():
    results = [CheckResult("backend", "Vulkan", "try again", "it fell back", warning=True)]
    assert report.verdict(results) == ""
    assert report.table(results)[0] == ("WARN  backend  Vulkan", "yellow")


@pytest.mark.parametrize(
    ("setting", "gpu", "manifest", "backend"),
    [
        ("auto", CARD, None, "hip"),
        ("auto", STRONG, None, "hip"),
        ("auto", WEAK, MANIFEST, "cpu"),
        ("auto", None, None, "cpu"),
        ("auto", None, FOR_CPU, "cpu"),
        # It was built for a card, so that the card is missing.
        ("auto", None, MANIFEST, "hip"),
        ("hip", None, None, "hip"),
        ("hip", WEAK, None, "hip"),
        ("cpu", CARD, MANIFEST, "cpu"),
        ("cpu", None, MANIFEST, "cpu"),
    ],
)
def test_what_was_asked_for_is_what_the_deploy_would_take(
    setting: str, gpu: Gpu | None, manifest: dict[str, object] | None, backend: str
):
    assert expected_backend(setting, gpu, manifest) == backend
