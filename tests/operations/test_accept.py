"""What acceptance does with what it has heard and timed."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.fake_hosts import FakeHost
from tests.generations import (
    CARD,
    MODEL,
    ON_CARD,
    ON_CPU,
    PYTHON,
    TOOLS,
    candidate,
    generation,
    generations,
    spec,
)
from tests.whisper_logs import FELL_BACK, HIP, SPOKEN
from voicemode_whisper.core.acceptance import SmokeTest, recorded_speeds
from voicemode_whisper.core.build import PROGRAMS, ROCM_PACKAGES
from voicemode_whisper.core.choice import Choice
from voicemode_whisper.core.device_access import DeviceAccess
from voicemode_whisper.core.generations import Generation, Generations, GenerationSpec
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.speed import Speed
from voicemode_whisper.operations import whisper

LAYOUT = Layout("/h")
SPEC = spec()
KNOWN = generations(1, generation(1))
RESOLVED = SPEC.resolve(TOOLS, PYTHON)
PATH = f"{LAYOUT.builds}/{RESOLVED.recipe.name}"


def smoke_test(
    program: str, log: tuple[str, ...] = HIP, load: float = 0, total: float = 0
) -> SmokeTest:
    times = (
        f"whisper_print_timings: {name} time = {ms} ms"
        for name, ms in (("load", load), ("encode", 93), ("total", total))
        if total
    )
    return SmokeTest(program, 0, SPOKEN, (*log, *times))


GOOD = [smoke_test(program) for program in PROGRAMS]
TIMED = [smoke_test("whisper-cli-fa", HIP, 200, 480), smoke_test("whisper-cli-nfa", HIP, 200, 520)]


def live(total: float, backend: str = "hip") -> dict[str, Any]:
    """The manifest of a live build that took so many milliseconds."""
    speeds = [Speed("-fa", 200, 93, total).record]
    release = {"label": "v1.7.5", "commit": "b" * 40}
    return {
        "release": release,
        "backend": backend,
        "acceptance": {MODEL.sha256: {"speeds": speeds}},
    }


def accept(
    tests: list[SmokeTest] = GOOD,
    manifest: Mapping[str, Any] | None = None,
    now: Mapping[str, Any] | None = None,
    access: DeviceAccess | None = None,
    known: Generations = KNOWN,
    several: list[SmokeTest] = TIMED[:1],
    wanted: GenerationSpec = SPEC,
) -> tuple[list[str], list[str]]:
    """The commands, and what is said on the way."""
    path = f"{LAYOUT.builds}/{wanted.resolve(TOOLS, PYTHON).recipe.name}"
    facts = {
        "toolchain.Toolchain": {
            f"driver=, packages={names}": TOOLS for names in (ROCM_PACKAGES, ())
        },
        "toolchain.Python": PYTHON,
        "generations.Generations": {f"layout={LAYOUT}": known},
        "build.Manifest": {f"path={path}": manifest or {}, f"path={LAYOUT.build}": now},
        "build.SmokeTests": {
            f"path={path}/smoke-test.log": tests,
            f"path={path}/speed.log": TIMED,
            f"path={path}/queues.log": several,
        },
        "machine.UserName": "ada",
        "device_access.ConnectionDeviceAccess": {"user=ada": access or DeviceAccess()},
    }
    host = FakeHost(facts)
    commands = host.commands(
        whisper.accept, layout=LAYOUT, spec=wanted, choice=Choice((wanted,)), kfd="/k", pci="/p"
    )
    return commands, host.said


def test_a_build_that_passes_is_timed_and_serves_with_what_is_faster():
    commands, said = accept()
    test, speed, queues, manifest = commands
    assert test.startswith(
        "sh -c with-progress.sh with-progress env ROCM_PATH=/opt/rocm ROCR_VISIBLE_DEVICES=0 "
        "OMP_THREAD_LIMIT=1 GPU_MAX_HW_QUEUES=1 nice"
    )
    assert test.endswith(f"{PATH}/smoke-test.log /k '' whisper-cli-cold whisper-server whisper-cli")
    assert "GPU_MAX_HW_QUEUES=1" in speed
    assert speed.count("whisper-cli-fa whisper-cli-nfa") == 3
    assert "GPU_MAX_HW_QUEUES" not in queues
    assert queues.endswith(f"{PATH}/queues.log /k '' whisper-cli-fa whisper-cli-fa whisper-cli-fa")
    assert manifest.startswith(f"sh -c write.sh write {PATH}/manifest.json ")
    assert '"flag": "-fa"' in manifest
    assert '"real_time_factor": 0.0436' in manifest
    assert said == [
        "v1.9.1 with small.en: 480 ms total, 93 ms encode, 22.9x real time, with flash attention"
    ]


def recorded(commands: list[str]) -> list[Speed]:
    manifest = json.loads(shlex.split(commands[-1])[-1])
    return recorded_speeds(manifest, MODEL)


def test_it_has_one_hardware_queue_unless_that_costs_time():
    kept, _ = accept(several=[smoke_test("whisper-cli-fa", HIP, 200, 475)])
    assert [(one.flag, one.one_queue) for one in recorded(kept)] == [("-fa", True), ("-nfa", True)]
    left_out, said = accept(several=[smoke_test("whisper-cli-fa", HIP, 200, 440)])
    assert recorded(left_out)[0] == Speed("-fa", 200, 93, 440, one_queue=False)
    assert said[1] == "with GPU_MAX_HW_QUEUES=1 it is slower: it serves without"


def test_it_keeps_it_where_it_falls_to_the_cpu_without():
    kept, _ = accept(several=[smoke_test("whisper-cli-fa", FELL_BACK, 200, 300)])
    assert recorded(kept)[0].one_queue is True


def test_on_the_cpu_there_is_no_such_choice():
    on_cpu = [smoke_test(program, FELL_BACK) for program in PROGRAMS]
    commands, _ = accept(on_cpu, wanted=spec(build=ON_CPU))
    assert not [command for command in commands if "GPU_MAX_HW_QUEUES" in command]
    assert len(commands) == 3


def test_the_card_s_directory_in_sysfs_is_told():
    here = replace(ON_CARD, gpu=replace(CARD, address="0000:03:00.0"))
    commands, _ = accept(wanted=spec(build=here))
    assert " /k /p/0000:03:00.0 whisper-cli-cold whisper-server whisper-cli" in commands[0]


@pytest.mark.parametrize(
    ("total", "backend", "slower"), [(450, "hip", True), (475, "hip", False), (300, "cpu", False)]
)
def test_an_upgrade_that_is_slower_is_told_of(total: float, backend: str, slower: bool):
    _, said = accept(now=live(total, backend))
    warned = [line for line in said if "slower" in line]
    assert bool(warned) is slower
    if slower:
        assert warned[0].startswith("that is 12% slower than v1.7.5 (450 ms total")
        assert warned[0].endswith("--data whisper_version=v1.7.5 stays with it")


def test_a_build_that_falls_to_the_cpu_is_refused_with_the_cause():
    fallen = [GOOD[0], smoke_test("whisper-cli", FELL_BACK)]
    access = DeviceAccess(missing_devices=("/dev/kfd",), driver_loaded=False)
    (_, failure), _ = accept(fallen, access=access)
    # The machine is at fault: what was built is tried again when that is repaired.
    assert "was rejected: whisper-cli ran on cpu instead of hip (ggml_cuda_init: failed" in (
        failure
    )
    assert "cause: the kernel shows no /dev/kfd: amdgpu is not loaded; fix: sudo" in (failure)


def test_what_has_passed_is_not_tried_again():
    passed = {"acceptance": {MODEL.sha256: {"speeds": []}}}
    assert accept(manifest=passed) == ([], [])


DEAF = [GOOD[0], replace(GOOD[1], transcript="Thank you.")]


def test_a_build_that_is_refused_is_remembered():
    (_, remember, failure), _ = accept(DEAF)
    words = shlex.split(remember)
    assert words[3:10] == ["write-generation", LAYOUT.services, "2", "", "", "", ""]
    found = Generation.of(json.loads(words[-1]))
    assert (found.status, found.fingerprint) == ("rejected", RESOLVED.fingerprint)
    assert found.reason.startswith("whisper-cli heard 'Thank you.'")
    assert found.reason in shlex.split(failure)[1]
    # Its build stays, to be looked at and to be tried again.
    assert f"whisper.cpp/builds/{RESOLVED.recipe.name}" in found.parts
    remembered = generations(1, generation(1), found)
    assert remembered.rejection(RESOLVED.fingerprint) == found
    assert remembered.reusable(RESOLVED.fingerprint) is None


def test_it_has_a_number_of_its_own_beside_a_candidate():
    (_, remember, _), _ = accept(DEAF, known=generations(9, generation(9), candidate(10)))
    assert shlex.split(remember)[5] == "11"


def test_what_served_goes_on_serving():
    (_, _, failure), _ = accept(DEAF)
    assert "was rejected: whisper-cli heard" in failure
    assert "; what served goes on serving. Its whole log: " in failure
    assert f"{PATH}/smoke-test.log" in failure
