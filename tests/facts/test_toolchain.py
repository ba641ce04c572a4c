"""What the shell makes of this machine's tools."""

import re
from pathlib import Path

from tests.facts.answers import answer, program
from voicemode_whisper.core.toolchain import Toolchain as Tools
from voicemode_whisper.facts.toolchain import Toolchain

ROCM = ("hip-runtime-amd", "rocm-llvm")
# What pacman lists of the packages, as far as it is read.
ROCM_7 = {
    "hip-runtime-amd": "/opt/\n/opt/rocm/\n/opt/rocm/include/hip/\n/opt/rocm/include/hip/hip.h",
    "rocm-llvm": "/opt/rocm/lib/llvm/bin/clang\n/opt/rocm/lib/llvm/bin/clang++",
}
ROCM_10 = {name: text.replace("/rocm/", "/rocm/core-10.0/") for name, text in ROCM_7.items()}


def pacman(tmp_path: Path, files: dict[str, str]) -> None:
    """Have a pacman that lists these files of packages, and 7.1-1 as the version of each."""
    listed = "".join(f"{name}) printf '{text}\\n' ;; " for name, text in files.items())
    versions = 'shift; printf "%s 7.1-1\\n" "$@"'
    program(
        tmp_path, "pacman", f"case $1 in -Q) {versions} ;; -Qlq) case $2 in {listed} esac ;; esac"
    )


def tools(tmp_path: Path, packages: tuple[str, ...], driver: str = "") -> Tools:
    found: Tools = answer(Toolchain, programs=tmp_path, packages=packages, driver=driver)
    return found


def test_packages_compiler_and_processor(tmp_path: Path):
    pacman(tmp_path, {})
    program(tmp_path, "c++", "printf 'c++ (GCC) 15.2.1\nCopyright\n'")
    *versions, processor = tools(tmp_path, ("rocblas", "hipblas")).versions
    assert versions == ["rocblas 7.1-1", "hipblas 7.1-1", "c++ (GCC) 15.2.1"]
    assert re.fullmatch("cpu [0-9a-f]{12}", processor)


def test_without_packages_pacman_is_not_asked(tmp_path: Path):
    program(tmp_path, "pacman", "echo asked")
    assert "asked" not in str(tools(tmp_path, ()))


def test_rocm_is_where_pacman_says_that_it_is(tmp_path: Path):
    pacman(tmp_path, ROCM_7)
    found = tools(tmp_path, ROCM)
    assert (found.rocm, found.hip_compiler) == ("/opt/rocm", "/opt/rocm/lib/llvm/bin/clang++")
    pacman(tmp_path, ROCM_10)
    found = tools(tmp_path, ROCM)
    assert found.rocm == "/opt/rocm/core-10.0"
    assert found.hip_compiler == "/opt/rocm/core-10.0/lib/llvm/bin/clang++"


def test_the_devices_are_those_of_the_driver_s_own_manifest(tmp_path: Path):
    pacman(tmp_path, {"vulkan-radeon": "/usr/share/vulkan/icd.d/radeon_icd.json\n/usr/lib/libv.so"})
    # As Mesa 25's, cut short; it says what it was told of the drivers and the layers.
    report = r"printf 'GPU0:\n\tdeviceName = %s %s\n\tpciBus = 3\n\tother = 1\n'"
    program(tmp_path, "vulkaninfo", f'{report} "$VK_DRIVER_FILES" "$VK_LOADER_LAYERS_DISABLE"')
    found = tools(tmp_path, (), "vulkan-radeon")
    assert found.icd == "/usr/share/vulkan/icd.d/radeon_icd.json"
    (device,) = found.devices
    assert device.name == f"{found.icd} ~implicit~"


def test_a_driver_that_is_not_installed_has_no_devices(tmp_path: Path):
    pacman(tmp_path, {})
    program(tmp_path, "vulkaninfo", "echo GPU0:")
    assert tools(tmp_path, (), "vulkan-radeon").devices == ()
