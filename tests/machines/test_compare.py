"""tasks/compare.py says how models do, and leaves a machine as it was, however it ends.

The one model that boxes have is on the box a second time, under another name: to be downloaded it
has to be a file that the deploy does not have.
"""

import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines import card
from tests.machines.deploying import ROOT, SERVICES, Run, command, deploy, raise_boxes, sources
from tests.machines.footprint import Footprint, differences, footprint

TASK = "tasks/compare.py"
COPY = "/home/ada/ggml-copy.bin"
NAMES = ("tiny.en", "copy")
AT_WORK = "pgrep -u ada -f [s]moke-test"


def models(sum_of_copy: str = "") -> str:
    """The setting: what serves, and the same weights as another file."""
    known = sources()
    serving, own = known["whisper_model"], known["model_sha256"]
    return f"{serving}#sha256={own},{COPY}#sha256={sum_of_copy or own}"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("compared", base=served) as (serving,):
        serving.run(f"cp {SERVICES}/whisper.cpp/models/ggml-tiny.en.bin {COPY}")
        yield serving


@pytest.fixture(scope="module")
def before(box: Box) -> Footprint:
    return footprint(box)


def changed(box: Box, before: Footprint) -> list[str]:
    """What is not as before, but for the decoder, which the proxy tries at times of its own."""
    found = differences(before, footprint(box))
    return [line for line in found if not re.search(r"process ff(mpeg|probe) of ada", line)]


def processes(box: Box) -> str:
    """The processes of the services, which a restart would change."""
    return box.run("pgrep -u ada -a 'whisper-server|python'").stdout


def said(box: Box, run: Run) -> list[str]:
    mark = f"[{box.name}] "
    return [line.split(mark, 1)[1].rstrip() for line in run.output.splitlines() if mark in line]


def test_the_table_has_both_and_nothing_has_changed(box: Box, before: Footprint):
    running = processes(box)
    run = deploy(box, file=TASK, models=models())
    assert run.status == 0, run.output
    lines = said(box, run)
    (at,) = (at for at, line in enumerate(lines) if line.split()[:3] == ["model", "size", "load"])
    for name, line in zip(NAMES, lines[at + 1 :], strict=False):
        row = rf"{re.escape(name)} +- +\d+ ms +\d+ ms +[\d.]+x +- +-"
        assert re.fullmatch(row, line.strip()), line
    assert lines[at + 3].endswith(
        "word errors: Open ASR Leaderboard, English short-form, March 2026"
    )
    assert lines[at + 4] == "tiny.en serves now; nothing was changed"
    # The box's conversion of tiny.en is not the published file, of which a rate is known.
    assert lines[at + 5].startswith("no recommendation: ")
    assert changed(box, before) == []
    assert processes(box) == running


def test_what_is_kept_is_for_the_next_deploy_to_use_or_remove(box: Box, before: Footprint):
    run = deploy(box, file=TASK, models=models(), compare_keep="yes")
    assert run.status == 0, run.output
    there = box.run(f"ls {SERVICES}/whisper.cpp/models/ggml-copy*").stdout.split()
    assert [path.rpartition("/")[2] for path in there] == ["ggml-copy.bin", "ggml-copy.bin.sha256"]
    run = deploy(box)
    assert run.changed == {"Verify | Free what no generation needs"}
    assert changed(box, before) == []


def test_a_download_that_is_not_what_it_should_be_leaves_nothing(box: Box, before: Footprint):
    run = deploy(box, file=TASK, models=models("f" * 64))
    assert run.status == 1
    assert f"model: file://{COPY} does not match its SHA-256" in run.output
    assert changed(box, before) == []


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing(box: Box, before: Footprint, end: int):
    words = command(box, file=TASK, models=models())
    run = subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    downloaded = f"{SERVICES}/comparison/ggml-copy.bin.sha256"
    box.run(f"timeout 300 sh -c 'until [ -e {downloaded} ]; do sleep 0.1; done'")
    run.send_signal(end)
    run.wait(60)
    # What it ran on the box finds no model any more, and ends.
    box.run(f"timeout 120 sh -c 'while {AT_WORK}; do sleep 0.2; done'")
    assert changed(box, before) == []


def test_a_machine_where_nothing_serves_is_refused(box: Box):
    box.run(f"mv {SERVICES}/current {SERVICES}/elsewhere")
    try:
        run = deploy(box, file=TASK, models=models())
    finally:
        box.run(f"mv {SERVICES}/elsewhere {SERVICES}/current")
    assert run.status == 1
    assert said(box, run)[-1] == "compare: nothing serves here yet; run deploy.py first"


def test_a_run_on_another_device_is_said_and_not_recommended(box: Box):
    """There is no card (see card.py): its whisper-server says that it is on it, whisper-cli not."""
    card.insert(box)
    serving = models().split(",")[0]
    run = deploy(box, file=TASK, models=serving, whisper_backend="hip", gpu_kfd=card.KFD)
    assert run.status == 0, run.output
    rows = [line.split() for line in said(box, run)]
    (own,) = (row for row in rows if row[:2] == ["tiny.en", "-"])
    assert " ".join(own[7:]).startswith("whisper-cli ran on cpu instead of hip (")
    # pyinfra has the last word.
    assert rows[-2][:2] == ["no", "recommendation:"]
