"""What a build is made of, and the name that follows."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.generations import TOOLS
from voicemode_whisper.core.build import (
    BuildSpec,
    Recipe,
    cmake_arguments,
    missing_keys,
    packages,
)
from voicemode_whisper.core.gpu import LLVMPIPE, Gpu
from voicemode_whisper.core.release import Release
from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.core.vulkan import VulkanDevice

RELEASE = Release("v1.9.1", "a" * 40)
CARD = Gpu(0, "gfx1101", 16 << 30, "0000:03:00.0")
RADV = VulkanDevice(1, "AMD Radeon RX 7800 XT (RADV NAVI32)", "radv", "0000:03:00.0")
ICD = "/usr/share/vulkan/icd.d/radeon_icd.json"
ROCM_10 = Toolchain(
    ("rocblas 10.0-1",), "/opt/rocm/core-10.0", "/opt/rocm/core-10.0/lib/llvm/bin/clang++"
)
RECIPE = Recipe.of(BuildSpec(RELEASE, "hip", ("gfx1101",)), TOOLS)
MANIFEST = {
    "release": {"label": "v1.9.1", "commit": "a" * 40},
    "backend": "cpu",
    "cmake_arguments": ["-DGGML_HIP=OFF"],
    "built": "2026-11-22T14:54:57+00:00",
}


@pytest.mark.parametrize(
    ("manifest", "missing"),
    [
        (MANIFEST, []),
        ({}, ["release", "backend", "cmake_arguments", "built"]),
        ({**MANIFEST, "release": "v1.9.1"}, ["release"]),
        ({**MANIFEST, "release": {}}, ["release.label"]),
        ({**MANIFEST, "built": None}, ["built"]),
    ],
)
def test_what_a_manifest_lacks_is_named(manifest, missing):
    assert missing_keys(manifest) == missing


def test_a_recipe_s_own_manifest_lacks_nothing():
    manifest = RECIPE.manifest(datetime(2026, 11, 22, tzinfo=UTC), 1)
    assert missing_keys(json.loads(json.dumps(manifest))) == []


def test_hip_takes_the_guide_s_flags_for_the_card_s_own_architecture():
    arguments = cmake_arguments("hip", ("gfx1101",), TOOLS)
    for flag in (
        "-DGGML_HIP=ON",
        "-DAMDGPU_TARGETS=gfx1101",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DWHISPER_BUILD_SERVER=ON",
        "-DCMAKE_HIP_COMPILER=/opt/rocm/lib/llvm/bin/clang++",
    ):
        assert flag in arguments


def test_a_list_of_targets_is_cmake_s_list():
    both = ("gfx1100", "gfx1101")
    assert "-DAMDGPU_TARGETS=gfx1100;gfx1101" in cmake_arguments("hip", both, TOOLS)


def test_rocm_is_where_pacman_has_put_it():
    arguments = cmake_arguments("hip", ("gfx1101",), ROCM_10)
    assert "-DCMAKE_HIP_COMPILER=/opt/rocm/core-10.0/lib/llvm/bin/clang++" in arguments
    assert "-DCMAKE_PREFIX_PATH=/opt/rocm/core-10.0" in arguments
    spec = BuildSpec(RELEASE, "hip", ("gfx1101",), CARD)
    assert spec.environment(ROCM_10)["ROCM_PATH"] == "/opt/rocm/core-10.0"
    moved = replace(TOOLS, rocm="/opt/rocm/core-10.0", hip_compiler=ROCM_10.hip_compiler)
    assert Recipe.of(spec, moved).fingerprint != Recipe.of(spec, TOOLS).fingerprint


def test_only_the_processor_s_half_of_hip_is_optimised_less():
    (flags,) = [
        word.partition("=")[2]
        for word in cmake_arguments("hip", ("gfx1101",), TOOLS)
        if word.startswith("-DCMAKE_HIP_FLAGS_RELEASE=")
    ]
    words = flags.split()
    assert [word for word in words if word.startswith("-O")] == ["-O3", "-O1"]
    assert words[words.index("-O1") - 1] == "-Xarch_host"
    assert words.index("-O3") < words.index("-O1"), "clang takes the last"


def test_the_cpu_build_has_nothing_of_hip():
    assert [flag for flag in cmake_arguments("cpu", ("gfx1101",), TOOLS) if "HIP" in flag] == [
        "-DGGML_HIP=OFF"
    ]


def test_rocm_is_installed_for_the_gpu_alone():
    assert "rocm-hip-sdk" in packages("hip")
    assert "rocm-hip-sdk" not in packages("hip", "minimal")
    assert {"hip-runtime-amd", "hipblas", "rocblas", "rocm-llvm"} < set(packages("hip", "minimal"))
    assert set(packages("hip")) - set(packages("cpu")) == {"rocm-hip-sdk"}
    assert {"cmake", "ninja", "git", "base-devel", "ffmpeg", "ccache", "curl", "python"} == set(
        packages("cpu")
    )


def test_vulkan_needs_nothing_of_rocm():
    needed = set(packages("vulkan")) - set(packages("cpu"))
    assert needed == {
        *("shaderc", "spirv-headers", "vulkan-headers"),
        *("vulkan-icd-loader", "vulkan-radeon", "vulkan-tools"),
    }
    assert "vulkan-swrast" in packages("vulkan", gpu=LLVMPIPE)
    flags = [
        flag for flag in cmake_arguments("vulkan", (), TOOLS) if "HIP" in flag or "VULK" in flag
    ]
    assert flags == ["-DGGML_HIP=OFF", "-DGGML_VULKAN=ON"]


def test_vulkan_sees_the_chosen_gpu_s_driver_alone_and_of_its_devices_that_gpu():
    spec = BuildSpec(RELEASE, "vulkan", (), CARD)
    other = VulkanDevice(0, "AMD Radeon Graphics (RADV RAPHAEL)", "radv", "0000:13:00.0")
    tools = Toolchain(icd=ICD, devices=(other, RADV))
    assert spec.environment(tools) == {
        "VK_DRIVER_FILES": ICD,
        "VK_LOADER_LAYERS_DISABLE": "~implicit~",
        "OMP_THREAD_LIMIT": "1",
        "GGML_VK_VISIBLE_DEVICES": "1",
    }
    assert spec.device(tools) == RADV
    assert BuildSpec(RELEASE, "hip", (), CARD).device(tools) is None


def test_a_driver_that_is_upgraded_makes_no_new_build():
    spec = BuildSpec(RELEASE, "vulkan", (), CARD)
    before = Toolchain(("shaderc 2026.1-1", "c++ 15"), icd=ICD, devices=(RADV,))
    after = replace(before, icd="/usr/share/vulkan/icd.d/radeon_icd.x86_64.json", devices=())
    assert Recipe.of(spec, before) == Recipe.of(spec, after)


def test_the_same_recipe_has_the_same_name():
    assert Recipe.of(BuildSpec(RELEASE, "hip", ("gfx1101",)), TOOLS) == RECIPE
    assert RECIPE.name == f"v1.9.1-{RECIPE.fingerprint}"
    assert len(RECIPE.fingerprint) == 12


@pytest.mark.parametrize(
    "change",
    [
        {"release": Release("v1.9.1", "b" * 40)},
        {"backend": "cpu"},
        {"cmake_arguments": ()},
        {"toolchain": ("rocblas 7.2-1", "c++ 15")},
    ],
)
def test_whatever_a_build_depends_on_changes_its_fingerprint(change):
    assert replace(RECIPE, **change).fingerprint != RECIPE.fingerprint


def test_the_manifest_records_the_recipe_and_when_and_how_long():
    manifest = json.loads(json.dumps(RECIPE.manifest(datetime(2026, 11, 22, tzinfo=UTC), 61.25)))
    assert manifest["fingerprint"] == RECIPE.fingerprint
    assert manifest["release"] == {"label": "v1.9.1", "commit": "a" * 40}
    assert manifest["toolchain"] == ["rocblas 7.1-1", "c++ 15"]
    assert (manifest["built"], manifest["seconds"]) == ("2026-11-22T00:00:00+00:00", 61.2)
    assert manifest["acceptance"] == {}


def test_a_program_for_the_gpu_sees_the_chosen_one_alone():
    spec = BuildSpec(RELEASE, "hip", ("gfx1101",), Gpu(1, "gfx1101", 1))
    assert spec.environment(TOOLS) == {
        "ROCM_PATH": "/opt/rocm",
        "ROCR_VISIBLE_DEVICES": "1",
        "OMP_THREAD_LIMIT": "1",
    }
    assert BuildSpec(RELEASE, "cpu").environment(TOOLS) == {"OMP_THREAD_LIMIT": "4"}


def test_a_card_that_runs_its_neighbour_s_code_says_it_is_the_neighbour():
    spec = BuildSpec(RELEASE, "hip", ("gfx1030",), Gpu(0, "gfx1032", 1))
    assert spec.environment(TOOLS)["HSA_OVERRIDE_GFX_VERSION"] == "10.3.0"


def test_which_gpu_runs_a_build_is_no_part_of_it():
    orders = (BuildSpec(RELEASE, "hip", ("gfx1101",), Gpu(index, "gfx1101", 1)) for index in (0, 1))
    assert len({Recipe.of(spec, TOOLS).fingerprint for spec in orders}) == 1
