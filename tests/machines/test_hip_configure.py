"""whisper.cpp configured for a card by a real HIP compiler, with the deploy's own command line.

Compiling all of it takes half an hour, and is `make test-hip`'s. This is what CI has time for.
"""

import re
from pathlib import Path

import pytest

from bench import builds, graph
from bench.builds import DEPLOY, GUIDE, edges
from bench.trees import Tree
from tests import boxes
from voicemode_whisper.scripts import words

pytestmark = pytest.mark.slow

SOME_KERNEL = "ggml/src/ggml-hip/CMakeFiles/ggml-hip.dir/__/ggml-cuda/acc.cu.o"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree.configured(DEPLOY, tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree.configured(GUIDE, tmp_path_factory.mktemp("guide"))


def test_cmake_takes_hip_and_its_compiler(ours: Tree):
    assert "GGML_HIP:BOOL=ON" in ours.text("CMakeCache.txt").splitlines()
    rules = ours.text("CMakeFiles/rules.ninja")
    assert re.search(r"command = .*/opt/rocm/lib/llvm/bin/clang\+\+ .* -x hip ", rules)


def test_every_file_of_hip_is_for_the_card_alone(ours: Tree):
    ninja = ours.text("build.ninja")
    assert set(re.findall(r"--offload-arch=(\w+)", ninja)) == {"gfx1101"}
    assert len(re.findall(r"^build \S+\.cu\.o: HIP_COMPILER", ninja, re.MULTILINE)) == 138


def test_the_deploy_takes_it_for_that_card_and_no_other(ours: Tree):
    ours.run(*words("require-backend", "build", "hip", "gfx1101"))
    with pytest.raises(boxes.BoxError, match="nothing is compiled for gfx1100"):
        ours.run(*words("require-backend", "build", "hip", "gfx1101", "gfx1100"))


def _levels(tree: Tree) -> dict[str, list[str]]:
    """The -O that each half of a kernel's file is compiled with, by the half's architecture."""
    command = tree.run("ninja", "-C", "build", "-t", "commands", SOME_KERNEL).splitlines()[-1]
    printed = tree.run("sh", "-c", f"CCACHE_DISABLE=1 {command} '-###' 2>&1")
    halves = [line for line in printed.splitlines() if '"-cc1"' in line]
    architecture = re.compile(r'"-triple" "(\w+)-')
    return {architecture.search(half)[1]: re.findall(r'"(-O\w*)"', half) for half in halves}


def test_only_the_processor_s_half_of_a_kernel_is_optimised_less(ours: Tree, guide: Tree):
    assert _levels(guide) == {"amdgcn": ["-O3"], "x86_64": ["-O3"]}
    assert _levels(ours) == {"amdgcn": ["-O3"], "x86_64": ["-O1"]}


def test_a_kernel_compiles(ours: Tree):
    ours.make(SOME_KERNEL)
    compiled = ours.build / SOME_KERNEL
    assert set(re.findall(rb"amdgcn-amd-amdhsa--(\w+)", compiled.read_bytes())) == {b"gfx1101"}
    compiled.unlink()  # it is to be made again, for the count below


def test_make_bench_counts_what_is_really_built(ours: Tree, guide: Tree, tmp_path: Path):
    real = {tree.way.name: dict(edges(tree.plan())) for tree in (ours, guide)}
    assert builds.recorded().counts == real
    assert graph.counted(tmp_path) in (real, None), "None where CMake or a compiler is missing"


def test_nothing_of_it_stays_mounted(ours: Tree):
    assert str(boxes.gpu_toolchain().root) not in Path("/proc/mounts").read_text()
