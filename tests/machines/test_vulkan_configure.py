"""whisper.cpp configured for Vulkan with a real shader compiler, and one shader compiled.

Compiling all of them takes half an hour on two cores. This is what CI has time for.
"""

import struct
from pathlib import Path

import pytest

from bench.builds import ROCM, Way
from bench.trees import Tree
from tests import boxes
from voicemode_whisper.core.build import PROGRAMS, cmake_arguments
from voicemode_whisper.scripts import words

pytestmark = pytest.mark.slow

WAY = Way("Vulkan", (), cmake_arguments("vulkan", (), ROCM), PROGRAMS)
SHADERS = "ggml/src/ggml-vulkan"
SPIRV = struct.pack("<I", 0x07230203)  # the magic number (SPIR-V specification, 2.3)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree.configured(WAY, tmp_path_factory.mktemp("tree"))


def test_cmake_takes_vulkan_and_finds_its_shader_compiler(tree: Tree):
    cache = tree.text("CMakeCache.txt").splitlines()
    assert {"GGML_VULKAN:BOOL=ON", "GGML_HIP:BOOL=OFF"} <= set(cache)
    assert "Vulkan_GLSLC_EXECUTABLE:FILEPATH=/usr/bin/glslc" in cache


def test_the_deploy_takes_it_for_vulkan_and_for_nothing_else(tree: Tree):
    tree.run(*words("require-backend", "build", "vulkan"))
    with pytest.raises(boxes.BoxError, match="GGML_HIP is not on"):
        tree.run(*words("require-backend", "build", "hip", "gfx1101"))


def test_both_programs_get_the_backend_and_each_shader(tree: Tree):
    shaders = (tree.work / "source" / SHADERS / "vulkan-shaders").glob("*.comp")
    wanted = {f"{shader.name}.cpp" for shader in shaders}
    assert len(wanted) > 100
    for program in PROGRAMS:
        made_from = tree.run("ninja", "-C", "build", "-t", "inputs", program).splitlines()
        assert wanted | {"libggml-vulkan.a"} <= {Path(file).name for file in made_from}


def test_a_shader_compiles(tree: Tree):
    tests = f"source/{SHADERS}/vulkan-shaders/feature-tests"
    (shader, *_) = sorted((tree.work / tests).glob("*.comp"))
    tree.run("glslc", "-o", "shader.spv", "--target-env=vulkan1.3", f"{tests}/{shader.name}")
    assert (tree.work / "shader.spv").read_bytes().startswith(SPIRV)
