"""A machine that an earlier release of this deploy has set up, before there were generations."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boxes import Box
from tests.machines.deploying import (
    ROOT,
    SERVICES,
    deployed,
    earlier_checkout,
    raise_boxes,
    sample,
    transcript,
)
from tests.machines.killing import assert_hears
from tests.machines.test_adoption import RATE, Adoption, adopt, downloads
from voicemode_whisper.core.speech import is_spoken

LOCK = "requirements/proxy.lock"  # of what the proxy needs


@pytest.fixture(scope="module")
def box(served_earlier: str) -> Iterator[Box]:
    with raise_boxes("earlier", base=served_earlier) as (serving,):
        assert_hears(serving, sample(serving), "from the start", seconds=60)
        yield serving


@pytest.fixture(scope="module")
def model(box: Box) -> str:
    """The model's file, before it was taken over."""
    return model_file(box)


def model_file(box: Box) -> str:
    return box.run(f"stat -c '%n %i %Y' {SERVICES}/whisper.cpp/models/*.bin").stdout


@pytest.fixture(scope="module")
def adoption(box: Box, model: str) -> Adoption:
    return adopt(box)


def serving(box: Box) -> str:
    return box.run(f"readlink {SERVICES}/current").stdout.strip()


def test_it_is_taken_over_with_one_restart_and_no_request_lost(adoption: Adoption):
    print(adoption.load)
    assert adoption.starts == 1
    assert adoption.load.failed == {}
    assert adoption.load.sent_rate > 0.98 * RATE, "the load was not what it should have been"


def packages(lock: str) -> set[str]:
    """What a lock file pins, as NAME-VERSION."""
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE)
    return {f"{name.replace('-', '_')}-{version}" for name, version in pins}


def test_nothing_is_built_or_downloaded_again(
    box: Box, model: str, adoption: Adoption, tmp_path: Path
):
    assert "whisper.cpp | Build whisper.cpp v1.9.1" not in adoption.run.changed
    before = packages((earlier_checkout(tmp_path) / LOCK).read_text())
    new = packages((ROOT / LOCK).read_text()) - before
    fetched = {"-".join(Path(path).name.split("-")[:2]) for path in downloads(adoption.requests)}
    assert fetched <= new
    assert model_file(box) == model


def test_nothing_of_the_earlier_layout_is_left(box: Box, adoption: Adoption):
    left = f"cd {SERVICES} && find . -maxdepth 2 '(' -name 'confirmed*' -o -name 'build-v*' ')'"
    assert box.run(left).stdout == ""
    assert is_spoken(transcript(box))
    assert deployed(box).changes == 0


def test_it_can_be_gone_back_to_and_forward_again(box: Box, adoption: Adoption):
    run = deployed(box, file="tasks/rollback.py")
    assert "rolled back to generation 1 (whisper.cpp v1.9.1 with tiny.en)" in run.output
    assert serving(box) == "generations/1"
    assert is_spoken(transcript(box))
    deployed(box, retry="yes")
    assert serving(box) == "generations/3"
    assert is_spoken(transcript(box))
    assert deployed(box).changes == 0
