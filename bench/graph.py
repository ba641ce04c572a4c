"""What ninja would run, found without ROCm: CMake is told of a HIP compiler that is not there.

CMake and whisper.cpp's own files are real, so the graph is the real one: test_hip_configure.py
compares it with what a real HIP compiler gives. Only flags that follow from the compiler differ.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .builds import RELEASE, WAYS, Way, edges
from .processes import ROOT

TOOLS = ("cmake", "ninja", "cc", "c++")
CONFIGURE_SECONDS = 120.0

# ROCm's own files for CMake, as far as ggml asks them.
PACKAGES = {
    "hip-lang": "",
    "hip": "set(hip_VERSION 7.0.0)\nadd_library(hip::host INTERFACE IMPORTED)\n",
    "hipblas": "add_library(roc::hipblas INTERFACE IMPORTED)\n",
    "rocblas": "add_library(roc::rocblas INTERFACE IMPORTED)\n",
}


def counted(temporary: Path) -> dict[str, dict[str, int]] | None:
    """Return the edges of each way; None where whisper.cpp or the tools are missing.

    whisper.cpp comes from the git repository of the test boxes, if any was ever raised here.
    """
    repository = next((ROOT / ".boxes" / "cache").glob("git-*/whisper.cpp"), None)
    if repository is None or not all(shutil.which(tool) for tool in TOOLS):
        return None
    source, rocm = temporary / "whisper.cpp", _pretended(temporary / "rocm")
    try:
        _run(rocm, "git", "clone", "-q", "--branch", RELEASE, str(repository), str(source))
        return {way.name: dict(_edges(way, source, temporary, rocm)) for way in WAYS}
    except subprocess.SubprocessError:
        return None


def _pretended(rocm: Path) -> Path:
    """Write a ROCm that CMake believes in, and return where it is."""
    for name, text in PACKAGES.items():
        package = rocm / "lib" / "cmake" / name
        package.mkdir(parents=True)
        (package / f"{name}-config.cmake").write_text(text)
    compiler = rocm / "clang++"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    return rocm


def _edges(way: Way, source: Path, temporary: Path, rocm: Path) -> Mapping[str, int]:
    build = temporary / f"build-{len(way.architectures)}"
    compiler = {
        "CMAKE_HIP_COMPILER": str(rocm / "clang++"),
        "CMAKE_HIP_COMPILER_FORCED": "ON",
        "CMAKE_HIP_COMPILER_ID": "Clang",
        "CMAKE_HIP_COMPILER_ID_RUN": "ON",
        "CMAKE_HIP_COMPILER_ROCM_ROOT": str(rocm),
        "CMAKE_PREFIX_PATH": str(rocm),
    }
    arguments = [*way.arguments, *(f"-D{name}={value}" for name, value in compiler.items())]
    _run(rocm, "cmake", "-G", "Ninja", "-S", str(source), "-B", str(build), *arguments)
    return edges(_run(rocm, "ninja", "-C", str(build), "-n", *way.targets).splitlines())


def _run(rocm: Path, *command: str) -> str:
    environment = {**os.environ, "ROCM_PATH": str(rocm)}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True,
        timeout=CONFIGURE_SECONDS,
    ).stdout  # fmt: skip
