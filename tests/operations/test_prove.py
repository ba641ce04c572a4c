"""What the gate does with what it has heard and timed."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host, get_command_string

from core.build import PROGRAMS, ROCM_PACKAGES, Order, Recipe
from core.gate import Trial
from core.gpu import Gpu
from core.layout import Layout
from core.models import Model
from core.reach import Reach
from core.release import Release
from core.speed import Speed
from operations import whisper

SPOKEN = "And so my fellow Americans ask not what your country can do for you"
HIP = (
    "  Device 0: AMD Radeon RX 7800 XT, gfx1101 (0x1101), VMM: no, Wave Size: 32",
    "whisper_backend_init_gpu: using ROCm0 backend",
    "whisper_model_load:        ROCm0 total size =   487.00 MB",
)
FALLBACK = (
    "ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected",
    "whisper_backend_init_gpu: no GPU found",
)
LAYOUT = Layout("/h")
ORDER = Order(Release("v1.9.1", "a" * 40), "hip", ("gfx1101",), Gpu(0, "gfx1101", 16 << 30))
MODEL = Model("ggml-small.en.bin", "", "ab" * 32, 487 << 20)
RECIPE = Recipe.of(ORDER, ["rocblas 7.1-1"])
PATH = f"{LAYOUT.checkout}/{RECIPE.name}"


def trial(program: str, log: tuple[str, ...] = HIP, load: float = 0, total: float = 0) -> Trial:
    times = (
        f"whisper_print_timings: {name} time = {ms} ms"
        for name, ms in (("load", load), ("encode", 93), ("total", total))
        if total
    )
    return Trial(program, 0, SPOKEN, (*log, *times))


GOOD = [trial(program) for program in PROGRAMS]
TIMED = [trial("whisper-cli-fa", HIP, 200, 480), trial("whisper-cli-nfa", HIP, 200, 520)]


def live(total: float, backend: str = "hip") -> dict[str, Any]:
    """The manifest of a live build that took so many milliseconds."""
    speeds = [Speed("-fa", 200, 93, total).record]
    release = {"label": "v1.7.5", "commit": "b" * 40}
    return {"release": release, "backend": backend, "gate": {MODEL.sha256: {"speeds": speeds}}}


def prove(
    gate: list[Trial] = GOOD,
    manifest: Mapping[str, Any] | None = None,
    now: Mapping[str, Any] | None = None,
    reach: Reach | None = None,
) -> tuple[list[str], list[str]]:
    """The commands, and what is said on the way."""
    state = FakeState()
    state.is_executing = True
    facts = {
        "toolchain.Toolchain": {f"packages={ROCM_PACKAGES}": ["rocblas 7.1-1"]},
        "build.Manifest": {f"path={PATH}": manifest or {}, f"path={LAYOUT.build}": now},
        "build.Trials": {f"path={PATH}/gate.log": gate, f"path={PATH}/speed.log": TIMED},
        "machine.UserName": "ada",
        "reach.FromHere": {"user=ada": reach or Reach()},
    }
    host = create_host(state, facts=facts)
    said: list[str] = []
    host.log = said.append
    host.log_styled = lambda line, **_: said.append(line)
    scripts = patch("operations.scripts._text", "{}.sh".format)
    with scripts, ctx_state.use(state), ctx_host.use(host):
        commands = whisper.prove._inner(layout=LAYOUT, order=ORDER, model=MODEL, kfd="/k")
        return [get_command_string(command) for command in commands], said


def test_a_build_that_passes_is_timed_and_serves_with_what_is_faster():
    commands, said = prove()
    gate, speed, environment, manifest = commands
    assert gate.startswith(
        "sh -c narrate.sh narrate env ROCM_PATH=/opt/rocm ROCR_VISIBLE_DEVICES=0"
    )
    assert gate.endswith(f"{PATH}/gate.log /k whisper-server whisper-cli")
    assert speed.count("whisper-cli-fa whisper-cli-nfa") == 3
    assert f"{PATH}/ggml-small.en.bin.env FLASH_ATTENTION=-fa" in environment.replace("'", "")
    assert '"flag": "-fa"' in manifest
    assert '"real_time_factor": 0.0436' in manifest
    assert said == [
        "v1.9.1 with small.en: 480 ms total, 93 ms encode, 22.9x real time, with flash attention"
    ]


@pytest.mark.parametrize(
    ("total", "backend", "slower"), [(450, "hip", True), (475, "hip", False), (300, "cpu", False)]
)
def test_an_upgrade_that_is_slower_is_told_of(total: float, backend: str, slower: bool):
    _, said = prove(now=live(total, backend))
    warned = [line for line in said if "slower" in line]
    assert bool(warned) is slower
    if slower:
        assert warned[0].startswith("that is 12% slower than v1.7.5 (450 ms total")
        assert warned[0].endswith("--data whisper_version=v1.7.5 stays with it")


def test_a_build_that_falls_to_the_cpu_is_refused_with_the_cause():
    fallen = [GOOD[0], trial("whisper-cli", FALLBACK)]
    reach = Reach(missing=("/dev/kfd",), driver=False)
    (_, refusal), _ = prove(fallen, reach=reach)
    assert "was not taken: whisper-cli ran on cpu, asked for was hip (ggml_cuda_init: failed" in (
        refusal
    )
    assert "the cause: the kernel shows no /dev/kfd: amdgpu is not loaded; to mend it: sudo" in (
        refusal
    )


def test_what_has_passed_is_not_tried_again():
    passed = {"gate": {MODEL.sha256: {"speeds": []}}}
    assert prove(manifest=passed) == ([], [])
