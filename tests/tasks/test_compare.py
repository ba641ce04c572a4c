"""tasks/compare.py before it does anything, on hosts that answer as they are told."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fake_hosts import HEALTHY, ROOMS, inventory
from tests.generations import CARD, manifest
from tests.tasks.test_deploy import ROOT, line_of
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.model_sums import KNOWN


def serving(gpu: Gpu | None = CARD, **changes: Any) -> dict[str, list[str]]:
    """A host on which small.en serves."""
    size, sha256 = KNOWN["small.en"]
    made = manifest(
        7,
        backend="hip" if gpu else "cpu",
        gpu=gpu and gpu.to_json(),
        release={"label": "v1.9.1", "commit": "a" * 40},
        model={"name": "small.en", "size": size, "sha256": sha256},
    )
    said = ["current generations/7", f"manifest {json.dumps({**made, **changes})}"]
    environment = ["FLASH_ATTENTION=-fa", "ROCR_VISIBLE_DEVICES=0"]
    return {"list-generations": said, "server.env": environment, **HEALTHY}


def planned(tmp_path: Path, answers: dict[str, Any], *options: str) -> tuple[int, list[str], Any]:
    """Its exit status, what it says of the host, and its operations."""
    data = [word for option in options for word in ("--data", option)]
    file = str(inventory(tmp_path, {"a": answers}))
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "--dry", "--json", file, "tasks/compare.py", *data],
        cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    plan = json.loads(done.stdout)["plan"] if done.stdout else []
    return done.returncode, line_of(done.stderr, "a"), [operation["name"] for operation in plan]


def test_the_lock_is_taken_before_anything_is_downloaded(tmp_path: Path):
    status, said, operations = planned(tmp_path, serving())
    assert (status, said) == (0, [])
    assert operations == [
        "Compare | Lock the host",
        "Compare | Compare base.en, small.en, medium.en, large-v3-turbo",
    ]


BY_HAND = {"backend": None, "label": "whisper.cpp as set up by hand"}
FULL = {"say_late": [line.replace("99999999999", "1000000000") for line in ROOMS]}


@pytest.mark.parametrize(
    ("answers", "option", "line"),
    [
        (HEALTHY, "models=tiny.en", "compare: nothing serves here yet; run deploy.py first"),
        (
            serving(**BY_HAND),
            "models=tiny.en",
            "compare: generation 7 (whisper.cpp as set up by hand) was set up otherwise; run",
        ),
        (HEALTHY, "models=small-en", "models: got 'small-en' (did you mean small.en?); allowed is"),
        (HEALTHY, "models=7", "models: got '7'; allowed is a URL, an absolute path, or tiny-q5_1"),
        (HEALTHY, "compare_keep=maybe", "compare_keep: got 'maybe'; allowed is yes or no"),
        (HEALTHY, "compare_all=yes", "compare_all: there is no such setting; did you mean"),
        (
            {**serving(), **FULL},
            "models=base.en,medium.en",
            "disk: /home/ada/.voicemode/services has 0.9 GiB free; needed are 1.4 GiB on /: "
            "1.4 GiB for medium.en",
        ),
        (
            {**serving(), **FULL},
            "compare_keep=yes",
            "disk: /home/ada/.voicemode/services has 0.9 GiB free; needed are 3.5 GiB on /: "
            "0.1 GiB for base.en, 0.5 GiB for small.en, 1.4 GiB for medium.en, 1.5 GiB for large-",
        ),
    ],
)
def test_what_cannot_work_is_one_line(
    tmp_path: Path, answers: dict[str, Any], option: str, line: str
):
    status, said, operations = planned(tmp_path, answers, option)
    assert status == 1
    assert len(said) == 1
    assert said[0].startswith(line)
    assert operations == []


def test_what_the_card_has_no_memory_for_is_said_and_needs_no_disk(tmp_path: Path):
    small = serving(Gpu(0, "gfx1034", 4 << 30))
    status, said, _ = planned(tmp_path, {**small, **FULL}, "models=base.en,large-v3")
    assert status == 0
    (line,) = said
    assert line.startswith("large-v3 is skipped: it needs ")
    assert line.endswith(" MiB are free beside small.en")
