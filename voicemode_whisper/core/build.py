"""What a build of whisper.cpp consists of, and the name that follows from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.release import Release

PROGRAMS = ("whisper-server", "whisper-cli")
# Arch's ROCm lies here; nothing but login shells has it on PATH.
ROCM = "/opt/rocm"

# Whose versions decide whether a HIP build is still good: 7 and 10 have the same sonames.
ROCM_PACKAGES = ("hip-runtime-amd", "hipblas", "rocblas", "rocm-llvm")

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

# whisper.cpp's VAD model, among its sources from v1.8.3 on: the file that ggml-org/whisper-vad on
# Hugging Face calls ggml-silero-v6.2.0.bin. It counts with this SHA-256 alone.
VAD_SOURCE = "models/for-tests-silero-v6.2.0-ggml.bin"
VAD_SHA256 = "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987"
# Its name in a build.
VAD_MODEL = "vad.bin"

# What is read of a manifest, by its type.
MANIFEST = {"release": dict, "backend": str, "cmake_arguments": list, "built": str}


def packages(backend: str) -> tuple[str, ...]:
    """The pacman packages that a backend ("hip" or "cpu") needs on the host."""
    return (*TOOLS, "rocm-hip-sdk") if backend == "hip" else TOOLS


def changed_packages(manifest: Mapping[str, Any], tools: Sequence[str]) -> list[str]:
    """Packages of ROCm, with versions, that are not those which a build was made with."""
    before = manifest.get("toolchain", [])
    return [tool for tool in tools if tool.startswith(ROCM_PACKAGES) and tool not in before]


def missing_keys(manifest: Mapping[str, Any]) -> list[str]:
    """What a build's manifest has to have and lacks, or has as something else."""
    missing = [key for key, kind in MANIFEST.items() if not isinstance(manifest.get(key), kind)]
    if "release" not in missing and "label" not in manifest["release"]:
        missing.append("release.label")
    return missing


def cmake_arguments(backend: str, gpu_targets: Sequence[str]) -> tuple[str, ...]:
    """The definitions that CMake is given; `gpu_targets` matters for "hip" alone."""
    if backend == "cpu":
        return (*COMMON_ARGUMENTS, "-DGGML_HIP=OFF")
    return (
        *COMMON_ARGUMENTS,
        "-DCMAKE_HIP_COMPILER_LAUNCHER=ccache",
        "-DGGML_HIP=ON",
        f"-DAMDGPU_TARGETS={';'.join(gpu_targets)}",
        f"-DCMAKE_HIP_COMPILER={ROCM}/lib/llvm/bin/clang++",
        f"-DCMAKE_PREFIX_PATH={ROCM}",
    )


@dataclass(frozen=True)
class BuildSpec:
    """What is to be built, and what it is to run on.

    `backend` is "hip" or "cpu". For "hip", `gpu_targets` are the gfx names to build for and `gpu`
    is the one GPU to use.
    """

    release: Release
    backend: str
    gpu_targets: tuple[str, ...] = ()
    gpu: Gpu | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What builds and programs need in their environment: where ROCm is, and one GPU alone.

        A build for the card aborts when ROCm shows it the processor's integrated graphics too.
        """
        if self.backend == "cpu" or self.gpu is None:
            return {}
        override = self.gpu.override
        pinned = {"ROCM_PATH": ROCM, "ROCR_VISIBLE_DEVICES": str(self.gpu.index)}
        return {**pinned, "HSA_OVERRIDE_GFX_VERSION": override} if override else pinned


@dataclass(frozen=True)
class Recipe:
    """Everything that a build depends on. `toolchain` is one line a tool, with its version."""

    release: Release
    backend: str
    cmake_arguments: tuple[str, ...]
    toolchain: tuple[str, ...]

    @classmethod
    def of(cls, spec: BuildSpec, toolchain: Sequence[str]) -> "Recipe":
        """The recipe for a spec, with the tools that are there."""
        arguments = cmake_arguments(spec.backend, spec.gpu_targets)
        return cls(spec.release, spec.backend, arguments, tuple(toolchain))

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
