"""whisper.cpp configured for a card by a real HIP compiler, with the deploy's own command line.

Compiling all of it takes half an hour, and is `make test-hip`'s. This is what CI has time for.
"""

import re
from pathlib import Path

import pytest

from bench import builds, graph
from bench.builds import DEPLOY, GUIDE, edges
from bench.trees import ENVIRONMENT, Tree
from tests import boxes
from tests.boxes.toolchain import WORK
from voicemode_whisper.scripts import words

pytestmark = pytest.mark.slow

SOME_KERNEL = "ggml/src/ggml-hip/CMakeFiles/ggml-hip.dir/__/ggml-cuda/acc.cu.o"
BUILD = f"/{WORK}/build"
PRECOMPILED = f'"-include-pch" "{BUILD}/prefix.h.gch"'

SMALL = (
    "cmake_minimum_required(VERSION 3.21)",
    "project(small LANGUAGES HIP)",
    "add_library(small STATIC twice.hip thrice.hip)",
)
TWO_CARDS = 'set_target_properties(small PROPERTIES HIP_ARCHITECTURES "gfx1100;gfx1101")'
OTHER_FLAGS = "set_source_files_properties(thrice.hip PROPERTIES COMPILE_OPTIONS -std=gnu++20)"
TWICE, THRICE = (
    f"#include <hip/hip_runtime.h>\n__global__ void by{factor}(float * x) {{ *x *= {factor}; }}\n"
    for factor in (2, 3)
)
TOO_EARLY = """\
#ifdef HIP_INCLUDE_HIP_HIP_RUNTIME_H
#error these headers are included too early
#endif
"""
HIP_ARGUMENTS = (
    "-DCMAKE_HIP_ARCHITECTURES=gfx1101",
    *(word for word in DEPLOY.arguments if "HIP_COMPILER" in word or "PREFIX" in word),
    *(word for word in DEPLOY.arguments if "HIP_FLAGS" in word or "BUILD_TYPE" in word),
)


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


def _halves(tree: Tree) -> list[str]:
    """What clang runs for a kernel's file: a line for the card, and one for the processor."""
    command = tree.run("ninja", "-C", "build", "-t", "commands", SOME_KERNEL).splitlines()[-1]
    printed = tree.run("sh", "-c", f"CCACHE_DISABLE=1 {command} '-###' 2>&1")
    return [line for line in printed.splitlines() if '"-cc1"' in line]


def _levels(tree: Tree) -> dict[str, list[str]]:
    """The -O that each half of a kernel's file is compiled with, by the half's architecture."""
    architecture = re.compile(r'"-triple" "(\w+)-')
    return {architecture.search(half)[1]: re.findall(r'"(-O\w*)"', half) for half in _halves(tree)}


def test_only_the_processor_s_half_of_a_kernel_is_optimised_less(ours: Tree, guide: Tree):
    assert _levels(guide) == {"amdgcn": ["-O3"], "x86_64": ["-O3"]}
    assert _levels(ours) == {"amdgcn": ["-O3"], "x86_64": ["-O1"]}


def test_both_halves_of_a_kernel_begin_with_precompiled_headers(ours: Tree):
    assert [half.count(PRECOMPILED) for half in _halves(ours)] == [1, 1]


def _made(tree: Tree, environment: str) -> bytes:
    """A kernel's object, made anew."""
    compiled = tree.build / SOME_KERNEL
    tree.run("sh", "-c", f"{environment} ninja -C build {SOME_KERNEL}")
    contents = compiled.read_bytes()
    compiled.unlink()
    return contents


def test_precompiled_headers_change_no_object_and_ninja_knows_what_is_in_them(ours: Tree):
    with_them = _made(ours, "CCACHE_DISABLE=1")
    assert "/hip/hip_runtime.h" in ours.run("ninja", "-C", "build", "-t", "deps", SOME_KERNEL)
    headers = ours.build / "prefix.h.gch"
    hidden = headers.rename(ours.build / "hidden")
    without = _made(ours, "CCACHE_DISABLE=1")
    hidden.rename(headers)
    assert with_them == without


def test_ccache_leaves_precompiled_headers_to_the_compiler(ours: Tree):
    cache = f"CCACHE_DIR=/{WORK}/ccache"
    assert _made(ours, cache) == _made(ours, cache) == _made(ours, "CCACHE_DISABLE=1")
    said = ours.run("sh", "-c", f"{cache} ccache --show-stats -v")
    assert re.search(r"Could not use precompiled header: +2 / +2 ", said)


def _small(work: Path, other_kernel: str = THRICE, *lines: str) -> str:
    """Configure and build a project of two kernels as the deploy does; what building it said."""
    (work / "CMakeLists.txt").write_text("\n".join((*SMALL, *lines)))
    (work / "twice.hip").write_text(TWICE)
    (work / "thrice.hip").write_text(other_kernel)
    cmake = ("cmake", "-G", "Ninja", "-S", ".", "-B", "build", *HIP_ARGUMENTS)
    _run(work, *words("configure-hip", BUILD), *cmake)
    make = ("env", "CCACHE_DISABLE=1", "cmake", "--build", "build")
    return _run(work, *words("build-hip", BUILD), *make)


def _run(work: Path, *argv: str) -> str:
    return boxes.gpu_toolchain().run(work, *argv, environment=ENVIRONMENT)


def test_headers_are_precompiled_for_the_processor_and_for_every_card(tmp_path: Path):
    assert "without precompiled headers" not in _small(tmp_path, THRICE, TWO_CARDS)
    assert len(list((tmp_path / "build/prefix.h.gch").iterdir())) == 3


@pytest.mark.parametrize(
    ("other_kernel", "lines", "why"),
    [
        (THRICE, (OTHER_FLAGS,), "no suitable precompiled header file found"),
        (TOO_EARLY + THRICE, (), "these headers are included too early"),
    ],
)
def test_what_does_not_compile_with_them_is_built_without(
    tmp_path: Path, other_kernel: str, lines: tuple[str, ...], why: str
):
    said = _small(tmp_path, other_kernel, *lines)
    assert said.index(why) < said.index("building on without precompiled headers")
    assert (tmp_path / "build/libsmall.a").exists()
    assert not list((tmp_path / "build").glob("*.gch*"))


def test_without_headers_to_precompile_it_goes_on(tmp_path: Path):
    said = _run(tmp_path, *words("configure-hip", BUILD), "true")
    assert "building without precompiled headers: " in said


def test_what_cmake_fails_with_is_what_it_fails_with(tmp_path: Path):
    with pytest.raises(boxes.BoxError, match="does not appear to contain CMakeLists"):
        _run(tmp_path, *words("configure-hip", BUILD), "cmake", "-S", ".", "-B", "build")


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
