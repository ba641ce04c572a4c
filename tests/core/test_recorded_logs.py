"""Logs of real cards, from the threads of those who had them: what is read of each.

Most are cut short as their owners cut them, so that few show a whole run. The two of whisper.cpp on
an RX 7800 XT are in test_backend_log.py.
"""

from pathlib import Path

import pytest

from voicemode_whisper.core.backend_log import devices, usage
from voicemode_whisper.core.device_access import DeviceAccess
from voicemode_whisper.core.diagnosis import Subject, diagnose
from voicemode_whisper.core.gpu import Gpu

LOGS = Path(__file__).parent / "logs"
CARD = Gpu(0, "gfx1101", 16 << 30)

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
    ("whisper-no-gpu-found", "ggml-org/whisper.cpp#3607", "no GPU found"),
    ("whisper-using-backend-on-the-cpu", "ggml-org/whisper.cpp#2404", "invalid device 0"),
    ("strix-halo-not-detected", "ggml-org/llama.cpp#20142", "no ROCm-capable device is detected"),
]
NOT_ROCM = [
    ("whisper-cuda", "ggml-org/whisper.cpp#4053"),
    ("whisper-cuda-in-use", "absadiki/pywhispercpp#123"),
]
VULKAN = [
    ("whisper-vulkan", "ggml-org/whisper.cpp#3385", None, ""),
    ("whisper-vulkan-in-use", "ggml-org/whisper.cpp#89", "vulkan", ""),
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


@pytest.mark.parametrize(("name", "thread", "backend", "device"), VULKAN)
def test_vulkan_is_known(name: str, thread: str, backend: str | None, device: str):
    used = usage(log(name))
    assert (used.backend, used.device) == (backend, device)


@pytest.mark.parametrize(("name", "thread", "cause"), CAUSES)
def test_the_cause_is_named(name: str, thread: str, cause: str):
    found = diagnose(log(name), DeviceAccess(), Subject("hip", CARD), "ada")
    assert found
    assert cause in found.what


def test_every_log_is_read():
    tables = (*GPUS, *ON_THE_CPU, *NOT_ROCM, *VULKAN, *CAUSES)
    assert {path.stem for path in LOGS.iterdir()} == {row[0] for row in tables}
