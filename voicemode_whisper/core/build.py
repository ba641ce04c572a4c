"""What a build of whisper.cpp consists of, and the name that follows from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.release import Release
from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.core.vulkan import VulkanDevice, choose_device

PROGRAMS = ("whisper-server", "whisper-cli")

# What ggml's CMake asks for (ggml-hip/CMakeLists.txt), whose versions decide whether a HIP build is
# still good: 7 and 10 have the same sonames.
ROCM_PACKAGES = ("hip-runtime-amd", "hipblas", "rocblas", "rocm-llvm")
# What makes a Vulkan build: a compiler of shaders, and headers (ggml-vulkan/CMakeLists.txt).
VULKAN_PACKAGES = ("shaderc", "spirv-headers", "vulkan-headers")
# Mesa's Vulkan drivers: for AMD's cards, and the processor in the guise of one.
RADV, LAVAPIPE = "vulkan-radeon", "vulkan-swrast"
# The versions of these are part of a build's recipe.
BACKEND_PACKAGES = {"hip": ROCM_PACKAGES, "vulkan": VULKAN_PACKAGES, "cpu": ()}
# How a backend is called, for people.
NAMES = {"hip": "HIP", "vulkan": "Vulkan", "cpu": "the CPU"}

TOOLS = ("base-devel", "ccache", "cmake", "curl", "ffmpeg", "git", "ninja", "python")
COMMON_ARGUMENTS = (
    "-DCMAKE_BUILD_TYPE=Release",
    # One file a program, which does not mind being moved.
    "-DBUILD_SHARED_LIBS=OFF",
    "-DWHISPER_BUILD_SERVER=ON",
    "-DWHISPER_BUILD_TESTS=OFF",
    "-DCMAKE_C_COMPILER_LAUNCHER=ccache",
    "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache",
)

# CMake's own flags for a release, and less optimisation for the processor's half of each HIP file,
# which only launches kernels; the card's half keeps -O3. clang takes the last -O for each half, and
# CMake puts CMAKE_HIP_FLAGS before -O3, so it stands here.
HIP_FLAGS_RELEASE = "-O3 -DNDEBUG -Xarch_host -O1"

# whisper.cpp's VAD model, among its sources from v1.8.3 on: the file that ggml-org/whisper-vad on
# Hugging Face calls ggml-silero-v6.2.0.bin. It counts with this SHA-256 alone.
VAD_SOURCE = "models/for-tests-silero-v6.2.0-ggml.bin"
VAD_SHA256 = "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987"
# Its name in a build.
VAD_MODEL = "vad.bin"

# What is read of a manifest, by its type.
MANIFEST = {"release": dict, "backend": str, "cmake_arguments": list, "built": str}


def vulkan_driver(gpu: Gpu | None) -> str:
    """The package of the GPU's Vulkan driver."""
    return LAVAPIPE if gpu and gpu.is_software else RADV


def packages(backend: str, rocm: str = "rocm-hip-sdk", gpu: Gpu | None = None) -> tuple[str, ...]:
    """The pacman packages that a backend needs on the host.

    `rocm` is "rocm-hip-sdk", or "minimal" for what ggml uses of it.
    """
    if backend == "hip":
        return (*TOOLS, *(ROCM_PACKAGES if rocm == "minimal" else (rocm,)))
    if backend == "vulkan":
        return (*TOOLS, *VULKAN_PACKAGES, "vulkan-icd-loader", "vulkan-tools", vulkan_driver(gpu))
    return TOOLS


def changed_packages(manifest: Mapping[str, Any], tools: Sequence[str]) -> list[str]:
    """Packages of the backend, with versions, that are not those which a build was made with."""
    before = manifest.get("toolchain", [])
    own = tuple(f"{name} " for name in BACKEND_PACKAGES[manifest.get("backend", "cpu")])
    return [tool for tool in tools if tool.startswith(own) and tool not in before]


def missing_keys(manifest: Mapping[str, Any]) -> list[str]:
    """What a build's manifest has to have and lacks, or has as something else."""
    missing = [key for key, kind in MANIFEST.items() if not isinstance(manifest.get(key), kind)]
    if "release" not in missing and "label" not in manifest["release"]:
        missing.append("release.label")
    return missing


def cmake_arguments(backend: str, gpu_targets: Sequence[str], tools: Toolchain) -> tuple[str, ...]:
    """The definitions that CMake is given; `gpu_targets` and `tools` matter for "hip" alone."""
    if backend == "cpu":
        return (*COMMON_ARGUMENTS, "-DGGML_HIP=OFF")
    if backend == "vulkan":
        return (*COMMON_ARGUMENTS, "-DGGML_HIP=OFF", "-DGGML_VULKAN=ON")
    return (
        *COMMON_ARGUMENTS,
        "-DCMAKE_HIP_COMPILER_LAUNCHER=ccache",
        f"-DCMAKE_HIP_FLAGS_RELEASE={HIP_FLAGS_RELEASE}",
        "-DGGML_HIP=ON",
        f"-DAMDGPU_TARGETS={';'.join(gpu_targets)}",
        f"-DCMAKE_HIP_COMPILER={tools.hip_compiler}",
        f"-DCMAKE_PREFIX_PATH={tools.rocm}",
    )


# Of OpenMP, with which ggml computes on the processor. Beside a GPU that is the voice activity
# detection alone, to which whisper.cpp gives four threads, whatever -t says: they take 38 to 60 ms
# for a second of a recording, as they wait for each other at each step, and one takes 2. On the CPU
# it is all, with the four threads that whisper.cpp has by default.
THREAD_LIMIT, GPU_THREADS, CPU_THREADS = "OMP_THREAD_LIMIT", "1", "4"


@dataclass(frozen=True)
class BuildSpec:
    """What is to be built, and what it is to run on.

    `backend` is "hip", "vulkan" or "cpu"; `gpu` is the one GPU to use, None for "cpu". For "hip",
    `gpu_targets` are the gfx names to build for.
    """

    release: Release
    backend: str
    gpu_targets: tuple[str, ...] = ()
    gpu: Gpu | None = None

    @property
    def label(self) -> str:
        """For people: "v1.9.1", or of Vulkan "v1.9.1 (Vulkan)"."""
        return self.release.label + (" (Vulkan)" if self.backend == "vulkan" else "")

    @property
    def driver(self) -> str:
        """The package of the Vulkan driver; empty for other backends."""
        return vulkan_driver(self.gpu) if self.backend == "vulkan" else ""

    def device(self, tools: Toolchain) -> VulkanDevice | None:
        """The GPU as Vulkan shows it; None for other backends, and where it does not."""
        return choose_device(tools.devices, self.gpu) if self.driver and self.gpu else None

    def environment(self, tools: Toolchain) -> dict[str, str]:
        """What builds and programs need in their environment: where the driver is, one GPU alone.

        A build for the card aborts when ROCm shows it the processor's integrated graphics too.
        """
        if self.gpu is None or self.backend == "cpu":
            return {THREAD_LIMIT: CPU_THREADS}
        if self.backend == "vulkan":
            device = self.device(tools)
            pinned = {"GGML_VK_VISIBLE_DEVICES": str(device.index)} if device else {}
            # No driver but that one, and nothing that is loaded into games.
            return {
                "VK_DRIVER_FILES": tools.icd,
                "VK_LOADER_LAYERS_DISABLE": "~implicit~",
                THREAD_LIMIT: GPU_THREADS,
                **pinned,
            }
        override = self.gpu.override
        pinned = {
            "ROCM_PATH": tools.rocm,
            "ROCR_VISIBLE_DEVICES": str(self.gpu.index),
            THREAD_LIMIT: GPU_THREADS,
        }
        return {**pinned, "HSA_OVERRIDE_GFX_VERSION": override} if override else pinned


@dataclass(frozen=True)
class Recipe:
    """Everything that a build depends on. `toolchain` is one line a tool, with its version."""

    release: Release
    backend: str
    cmake_arguments: tuple[str, ...]
    toolchain: tuple[str, ...]

    @classmethod
    def of(cls, spec: BuildSpec, tools: Toolchain) -> "Recipe":
        """The recipe for a spec, with the tools that are there."""
        arguments = cmake_arguments(spec.backend, spec.gpu_targets, tools)
        return cls(spec.release, spec.backend, arguments, tools.versions)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with anything that the build depends on."""
        return fingerprint(json.dumps(asdict(self), sort_keys=True))

    @property
    def name(self) -> str:
        """The build's directory in builds/: v1.9.1-3f9c0a71d2e4."""
        return f"{self.release.label}-{self.fingerprint}"

    def manifest(self, built: datetime, seconds: float) -> dict[str, Any]:
        """What manifest.json records: the recipe, when it was built and how long that took.

        `acceptance` gets an entry for each model that the build was accepted with, by SHA-256.
        """
        when = {"built": built.isoformat(timespec="seconds"), "seconds": round(seconds, 1)}
        return {"fingerprint": self.fingerprint, **asdict(self), **when, "acceptance": {}}
