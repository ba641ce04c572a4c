"""What a comparison runs, says and leaves, model by model."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.core.test_comparison import runs, serving
from tests.fake_hosts import FakeHost
from tests.whisper_logs import CPU
from voicemode_whisper.core.acceptance import SmokeTest
from voicemode_whisper.core.comparison import ServerEnvironment
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.models import Model, ModelFile, candidate_files, resolve_model
from voicemode_whisper.operations import comparison

LAYOUT = Layout("/h")
SMALL, TURBO = (resolve_model(name, "", "https://x") for name in ("small.en", "large-v3-turbo"))
THERE = {SMALL.file_name: ModelFile(SMALL.sha256, stamped=True)}
STARTED = ServerEnvironment({"ROCR_VISIBLE_DEVICES": "1"}, "-fa")
SCRATCH = LAYOUT.comparison
RESULT = f"{SCRATCH}/smoke-test.log"


def compare(
    *models: Model,
    tests: list[SmokeTest] | None = None,
    skipped: Mapping[str, str] | None = None,
    keep: bool = False,
) -> tuple[list[str], list[str]]:
    """The commands, and what is said on the way; of the models, SMALL is there."""
    found = {
        f"directory={LAYOUT.models}, names={candidate_files(model)}": (
            THERE if model is SMALL else {}
        )
        for model in models
    }
    targets = {
        f"directory={place}, names=('{TURBO.file_name}',)": {} for place in (SCRATCH, LAYOUT.models)
    }
    facts = {
        "models.ModelFiles": {**found, **targets},
        "comparison.ServerEnv": {f"layout={LAYOUT}": STARTED},
        "build.SmokeTests": {f"path={RESULT}": tests or runs("whisper-cli-fa")},
    }
    host = FakeHost(facts)
    commands = host.commands(
        comparison.compare,
        layout=LAYOUT,
        serving=serving(),
        models=models,
        skipped=skipped or {},
        kfd="/k",
        keep=keep,
    )
    return commands, host.said


def test_a_model_that_is_there_is_timed_where_it_lies():
    (make, test, remove), said = compare(SMALL)
    assert make == f"rm -rf {SCRATCH} && mkdir {SCRATCH}"
    assert test == (
        "sh -c with-progress.sh with-progress env ROCR_VISIBLE_DEVICES=1 nice sh -c smoke-test.sh "
        f"smoke-test {LAYOUT.current}/build {LAYOUT.models}/{SMALL.file_name} {LAYOUT.sample} "
        f"{RESULT} /k '' whisper-cli whisper-cli-fa whisper-cli-fa whisper-server"
    )
    assert remove == f"rm -rf {SCRATCH}"
    assert said[0] == "small.en: 480 ms total, 93 ms encode, 22.9x real time"


def test_one_that_is_not_there_is_downloaded_and_removed():
    (_, _, fetch, stamp, test, remove), _ = compare(TURBO)
    path = f"{SCRATCH}/{TURBO.file_name}"
    assert f" {path} {TURBO.sha256} {TURBO.size}" in fetch
    assert stamp == f"sh -c stamp.sh stamp {path} {TURBO.sha256} downloaded"
    assert f" {path} {LAYOUT.sample} " in test
    assert remove == f"rm -rf {SCRATCH}"


def test_one_that_is_to_be_kept_goes_to_the_others():
    commands, _ = compare(TURBO, keep=True)
    path = f"{LAYOUT.models}/{TURBO.file_name}"
    assert commands[3] == f"sh -c stamp.sh stamp {path} {TURBO.sha256} downloaded"
    assert not [command for command in commands if "rm -rf" in command and path in command]


def test_the_table_has_what_was_skipped_and_names_what_to_write():
    commands, said = compare(TURBO, SMALL, skipped={"large-v3-turbo": "needs more"})
    assert len(commands) == 3
    assert said[2].split()[:2] == ["large-v3-turbo", "1550"]
    assert said[2].endswith("7.83 %  needs more")
    assert said[3].split()[:2] == ["small.en", "466"]
    assert said[-1].startswith('group_data/all.py: whisper_model = "small.en"  # 8.59 %')


@pytest.mark.parametrize(
    ("status", "program"), [(124, "whisper-cli did not transcribe"), (137, "whisper-server ended")]
)
def test_one_that_fails_is_said_to_and_not_recommended(status: int, program: str):
    failed = [replace(test, status=status) for test in runs("whisper-cli-fa")]
    (_, _, remove), said = compare(SMALL, tests=failed)
    assert remove == f"rm -rf {SCRATCH}"
    assert said[0].startswith(f"small.en: {program}")
    assert said[-1].startswith("no recommendation")


def test_one_that_ran_on_another_device_is_said_to_and_not_recommended():
    _, said = compare(SMALL, tests=runs("whisper-cli-fa", CPU))
    assert "ran on cpu instead of hip" in said[2]
    assert said[-1].startswith("no recommendation")
