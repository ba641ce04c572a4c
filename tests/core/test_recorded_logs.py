"""Logs of real cards, from the threads of those who had them: what is read of each.

Most are cut short as their owners cut them, so that few show a whole run. The two of whisper.cpp on
an RX 7800 XT are in test_backend_log.py.
"""

from pathlib import Path

import pytest

from voicemode_whisper.core.backend_log import devices, usage, vulkan_devices
from voicemode_whisper.core.device_access import DeviceAccess
from voicemode_whisper.core.diagnosis import Subject, diagnose
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.vulkan import VulkanDevice

LOGS = Path(__file__).parent / "logs"
CARD = Gpu(0, "gfx1101", 16 << 30)
OURS = "whisper.cpp v1.9.1 with Mesa 25.0.7 on a machine without a card"

# The log, the thread that it is from, and the GPUs in it.
GPUS = [
    ("whisper-radeon-ai-pro-r9700", "ggml-org/whisper.cpp#3823", ["gfx1201"]),
    ("whisper-strix-halo", "ggml-org/whisper.cpp#3459", ["gfx1151"]),
    ("rx-6800-xt-and-integrated", "ggml-org/llama.cpp#14506", ["gfx1030", "gfx1036"]),
    ("integrated-before-rx-9070-xt", "ROCm/ROCm#6227", ["gfx1036", "gfx1201"]),
    ("radeon-890m-as-gfx1102", "ggml-org/llama.cpp#14448", ["gfx1102"]),
    ("radeon-780m", "likelovewant/ROCmLibs-for-gfx1103-AMD780M-APU#50", ["gfx1103"]),
    ("rx-580", "ollama/ollama#9807", ["gfx803"]),
    ("rx-7900-xtx", "ggml-org/llama.cpp#14576", ["gfx1100"]),
    ("radeon-gfx1152", "ggml-org/llama.cpp#19949", ["gfx1152"]),
    # Before v1.7.3 the architecture is not named.
    ("whisper-rx-6700-xt", "ggml-org/whisper.cpp#2541", []),
    ("vulkan-names-gfx1151", "ggml-org/llama.cpp#20142", []),
    ("whisper-cuda", "ggml-org/whisper.cpp#4053", []),
]
ON_THE_CPU = [
    ("whisper-vulkan-llvmpipe-skipped", OURS, "No devices found"),
    ("whisper-vulkan-invalid-index", OURS, "Invalid device index 7"),
    ("whisper-vulkan-radv-without-card", OURS, "no GPU found"),
    ("whisper-no-gpu-found", "ggml-org/whisper.cpp#3607", "no GPU found"),
    ("whisper-using-backend-on-the-cpu", "ggml-org/whisper.cpp#2404", "invalid device 0"),
    ("strix-halo-not-detected", "ggml-org/llama.cpp#20142", "no ROCm-capable device is detected"),
]
NOT_ROCM = [
    ("whisper-cuda", "ggml-org/whisper.cpp#4053"),
    ("whisper-cuda-in-use", "absadiki/pywhispercpp#123"),
]
# Devices that ggml takes, and whether one is in use. The drivers of other systems say the same.
VULKAN = [
    ("whisper-vulkan", "ggml-org/whisper.cpp#3385", "AMD Radeon RX 580 Series (RADV POLARIS10)"),
    ("whisper-vulkan-renoir", "ggml-org/whisper.cpp#3444", "AMD Radeon Graphics (RADV RENOIR)"),
    ("whisper-vulkan-rx-7900-xt", "ggml-org/whisper.cpp#2867", "AMD Radeon RX 7900 XT"),
    ("whisper-vulkan-radeon-780m", "ggml-org/whisper.cpp#2596", "AMD Radeon(TM) 780M"),
    ("whisper-vulkan-rx-6750-gre", "ggml-org/whisper.cpp#89", "AMD Radeon RX 6750 GRE 12GB"),
    (
        "vulkan-rx-6700-xt",
        "geerlingguy/raspberry-pi-pcie-devices#680",
        "AMD Radeon RX 6700 XT (RADV NAVI22)",
    ),
]
IN_USE = [
    ("whisper-vulkan-llvmpipe", OURS, "llvmpipe (LLVM 19.1.7, 256 bits)"),
    ("whisper-vulkan-rx-6750-gre", "ggml-org/whisper.cpp#89", "AMD Radeon RX 6750 GRE 12GB"),
    # Of that one the device's line is not in the thread.
    ("whisper-vulkan-in-use", "ggml-org/whisper.cpp#89", ""),
]
VULKAN_CAUSES = [
    ("whisper-vulkan-llvmpipe", OURS, "llvmpipe, Vulkan's driver for the CPU, was taken instead"),
    ("whisper-vulkan-invalid-index", OURS, "Invalid device index 7"),
    ("vulkan-no-devices", "mostlygeek/llama-swap#247", "ggml_vulkan: No devices found"),
    ("vulkan-without-16-bit-storage", "VocaHQ/vocalinux#220", "does not support 16-bit storage"),
    (
        "vulkan-rx-7600-xt-out-of-memory",
        "geerlingguy/raspberry-pi-pcie-devices#706",
        "has too little memory free",
    ),
    (
        "vulkan-radeon-890m-out-of-memory",
        "ggml-org/llama.cpp#14698",
        "has too little memory free",
    ),
    ("vulkan-rx-5700-xt-device-lost", "ggml-org/llama.cpp#18962", "was lost to the driver"),
    ("vulkan-strix-halo-context-lost", "ggml-org/llama.cpp#21724", "was lost to the driver"),
]
CAUSES = [
    ("no-libhipblas-2", "ROCm/ROCm#3081", "ROCm changed under the binary: libhipblas.so.2 is gone"),
    ("no-libhipblas-3", "ggml-org/llama.cpp#25807", "changed under the binary: libhipblas.so.3"),
    ("rocblas-without-gfx1103", "ROCm/ROCm#2719", "there is no code for gfx1101"),
    ("rocblas-without-gfx1032", "abetlen/llama-cpp-python#1066", "there is no code for gfx1101"),
    ("whisper-rocblas-without-code", "mkiol/dsnote#117", "there is no code for gfx1101"),
    ("invalid-device-function", "ggml-org/llama.cpp#15106", "invalid device function"),
    ("kernel-image-invalid", "lemonade-sdk/llamacpp-rocm#92", "device kernel image is invalid"),
    ("no-kernel-image", "YellowRoseCx/koboldcpp-rocm#148", "no kernel image is available"),
    ("no-code-object", "ggml-org/llama.cpp#19949", "No compatible code objects found"),
    ("no-binary-for-gpu", "ROCm/ROCm#1756", "hipErrorNoBinaryForGpu"),
    ("whisper-no-gpu-found", "ggml-org/whisper.cpp#3607", "the HIP backend is not in this build"),
]


def log(name: str) -> list[str]:
    return (LOGS / f"{name}.log").read_text().splitlines()


@pytest.mark.parametrize(("name", "thread", "gfx"), GPUS)
def test_the_gpus_are_read(name: str, thread: str, gfx: list[str]):
    assert [found for _, found in devices(log(name)).values()] == gfx


@pytest.mark.parametrize(("name", "thread", "gfx"), GPUS)
def test_a_gpu_that_is_there_is_no_gpu_in_use(name: str, thread: str, gfx: list[str]):
    assert usage(log(name)).backend is None


@pytest.mark.parametrize(("name", "thread", "line"), ON_THE_CPU)
def test_a_fall_to_the_cpu_is_seen(name: str, thread: str, line: str):
    used = usage(log(name))
    assert used.backend == "cpu"
    assert line in used.line


@pytest.mark.parametrize(("name", "thread"), NOT_ROCM)
def test_another_backend_is_not_rocm_s(name: str, thread: str):
    assert usage(log(name)).backend is None


@pytest.mark.parametrize(("name", "thread", "device"), VULKAN)
def test_the_devices_of_vulkan_are_read(name: str, thread: str, device: str):
    assert [found for found, _ in vulkan_devices(log(name)).values()] == [device]


@pytest.mark.parametrize(("name", "thread", "device"), VULKAN)
def test_a_device_of_vulkan_s_that_is_there_is_none_in_use(name: str, thread: str, device: str):
    used = usage(log(name))
    expected = "vulkan" if (name, thread, device) in IN_USE else None
    assert used.backend == expected


@pytest.mark.parametrize(("name", "thread", "device"), IN_USE)
def test_a_device_of_vulkan_s_that_is_in_use_is_named(name: str, thread: str, device: str):
    used = usage(log(name))
    assert (used.backend, used.device) == ("vulkan", device)


@pytest.mark.parametrize(("name", "thread", "cause"), VULKAN_CAUSES)
def test_the_cause_is_named_of_vulkan_too(name: str, thread: str, cause: str):
    radv = VulkanDevice(0, "AMD Radeon RX 7800 XT (RADV NAVI32)", "radv", "0000:03:00.0")
    subject = Subject("vulkan", CARD, "/usr/share/vulkan/icd.d/radeon_icd.json", radv)
    found = diagnose(log(name), DeviceAccess(), subject, "ada")
    assert found
    assert cause in found.what


@pytest.mark.parametrize(("name", "thread", "cause"), CAUSES)
def test_the_cause_is_named(name: str, thread: str, cause: str):
    found = diagnose(log(name), DeviceAccess(), Subject("hip", CARD), "ada")
    assert found
    assert cause in found.what


def test_every_log_is_read():
    tables = (*GPUS, *ON_THE_CPU, *NOT_ROCM, *VULKAN, *IN_USE, *VULKAN_CAUSES, *CAUSES)
    assert {path.stem for path in LOGS.iterdir()} == {row[0] for row in tables}
